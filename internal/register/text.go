package register

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// VisitText writes what a cadre writes after a visit: three to eight sentences, 50 to 250 characters. Ten thousand of them
// compress about three to one, as what people write does.
func VisitText(rng *rand.Rand) string {
	w := writer{rng: rng}
	w.opening()
	for range between(rng, 2, 6) {
		w.sentence()
	}
	if chance(rng, 60) {
		w.closing()
	}
	return w.b.String()
}

// MatterText writes a matter that a household raises: its kind (an option of the schema), a title of at most 40 characters, and what
// it is about.
func MatterText(rng *rand.Rand) (kind, title, detail string) {
	w := writer{rng: rng}
	switch rng.IntN(5) {
	case 0:
		kind, title = "opinion", "建议给"+w.placeName()+"的"+pick(rng, works)+"添"+pick(rng, goods)
	case 1:
		kind, title = "request", pick(rng, kin)+"的"+pick(rng, policies)+"要补"+pick(rng, papers)
	case 2:
		kind, title = "difficulty", pick(rng, kin)+pick(rng, ailments)+"，"+pick(rng, []string{"药费", "路费", "照看", "护理", "手术费"})+"有困难"
	case 3:
		kind, title = "hot", w.placeName()+pick(rng, works)+pick(rng, troubles)
	default:
		kind, title = "dispute", "与"+w.person()+"家为"+pick(rng, works)+"起争执"
	}
	w.put(title, "。")
	for range between(rng, 1, 4) {
		w.sentence()
	}
	return kind, title, w.b.String()
}

// writer composes text from words.
type writer struct {
	rng *rand.Rand
	b   strings.Builder
}

func (w *writer) put(parts ...string) {
	for _, p := range parts {
		w.b.WriteString(p)
	}
}

func (w *writer) word(from []string) string { return pick(w.rng, from) }

// maybe gives the text so many times of a hundred.
func (w *writer) maybe(percent int, text string) string {
	if chance(w.rng, percent) {
		return text
	}
	return ""
}

func (w *writer) person() string {
	sex := pick(w.rng, []string{"m", "f"})
	return surname(w.rng) + given(w.rng, sex, between(w.rng, 1935, 2015))
}

// somebody is a person as a cadre refers to one.
func (w *writer) somebody() string {
	switch w.rng.IntN(5) {
	case 0, 1:
		return w.person()
	case 2:
		return surname(w.rng) + w.word(kin)
	case 3:
		return w.word(kin) + w.person()
	}
	return w.word(kin)
}

func (w *writer) placeName() string {
	if chance(w.rng, 50) {
		return pick(w.rng, hamlets)
	}
	return string(pick(w.rng, brands)) + pick(w.rng, []string{"家湾", "家坡", "家冲", "坪", "塘", "坝", "岭", "垭", "沟", "庄", "店", "口", "畈", "墩"})
}

func (w *writer) brand() string {
	s := string(pick(w.rng, brands)) + string(pick(w.rng, brands))
	if chance(w.rng, 60) {
		s += fmt.Sprint(between(w.rng, 1, 999))
	}
	return s
}

func (w *writer) day() string {
	switch w.rng.IntN(3) {
	case 0:
		return fmt.Sprintf("%d月%d日", between(w.rng, 1, 12), between(w.rng, 1, 28))
	case 1:
		return pick(w.rng, []string{"初", "下月", "本月", "腊月", "正月"}) + fmt.Sprint(between(w.rng, 1, 28))
	}
	return pick(w.rng, strings.Fields("前天 昨天 上周 大前天 开春后 入秋 中秋 端午 清明 霜降 冬至 小年 赶集那天 收完稻 下雪前 周末 晌午 傍晚 一早 夜里"))
}

// money, area, weight and count are figures, as uneven as real ones.
func (w *writer) money() string {
	if chance(w.rng, 40) {
		return fmt.Sprintf("%d.%d元", between(w.rng, 11, 9999), between(w.rng, 1, 9))
	}
	return fmt.Sprintf("%d元", between(w.rng, 11, 29999))
}

func (w *writer) area() string {
	return fmt.Sprintf("%d.%d%s", between(w.rng, 0, 29), between(w.rng, 1, 99), pick(w.rng, []string{"亩", "亩", "分"}))
}

func (w *writer) weight() string {
	return fmt.Sprintf("%d%s", between(w.rng, 3, 4999), pick(w.rng, []string{"斤", "斤", "公斤", "袋"}))
}

func (w *writer) count(units ...string) string {
	return fmt.Sprint(between(w.rng, 2, 199)) + pick(w.rng, units)
}

func (w *writer) opening() {
	switch w.rng.IntN(4) {
	case 0:
		w.put(w.day(), "到", w.placeName(), "，", w.somebody(), "在", w.word(whereabouts), w.word(doing))
	case 1:
		w.put(w.somebody(), "家", fmt.Sprint(between(w.rng, 1, 8)), "口人，", w.word(kin), "在", w.word(places), w.word(trades), "，", w.word(kin), "在", w.word(whereabouts), w.word(doing))
	case 2:
		w.put("和", w.person(), "一起去", w.word(whereabouts), "找", w.somebody(), "，", w.word(kin), "正", w.word(doing))
	default:
		w.put(w.word(whereabouts), "见到", w.somebody(), w.maybe(50, "，"+fmt.Sprint(between(w.rng, 18, 94))+"岁"), "，", w.word(doing))
	}
	w.put("。")
}

func (w *writer) sentence() {
	switch w.rng.IntN(9) {
	case 0:
		w.put(w.somebody(), w.word(links), w.placeName(), w.word(works), w.word(troubles), "，", w.word(whys), w.count("天", "米", "户", "回"), w.word(connects), "想", w.word(wishes))
	case 1:
		w.put(w.word(kin), w.word(ailments), w.word(whys), "，", w.word(offices), w.person(), w.word(links), "要", w.money(), w.word(connects), w.word(feelings))
	case 2:
		w.put(w.word(crops), w.area(), "，", w.brand(), w.word(goods), w.money(), "，收", w.weight(), w.word(connects), w.word(feelings), w.maybe(40, "，想"+w.word(wishes)))
	case 3:
		w.put(w.word(policies), "缺", w.word(papers), w.maybe(50, "和"+w.word(papers)), "，", w.word(offices), w.person(), w.word(connects), w.word(replies))
	case 4:
		w.put(w.somebody(), w.day(), "从", w.word(places), w.word(trades), "回来，", w.word(whys), w.money(), w.word(connects), w.word(feelings))
	case 5:
		w.put(w.word(stock), w.count("头", "只", "尾", "窝"), w.maybe(50, "、"+w.word(stock)+w.count("头", "只", "尾", "窝")), "，", w.brand(), w.word(goods), "涨到", w.money(), w.word(connects), "想", w.word(wishes))
	case 6:
		w.put("给", w.somebody(), w.word(replies), "，", w.word(policies), w.money(), w.day(), "到", w.word(papers), w.word(connects), w.word(feelings))
	case 7:
		w.put(w.person(), w.word(whys), "欠", w.person(), w.money(), "，", w.day(), w.word(papers), w.word(connects), w.word(feelings))
	default:
		w.put(w.somebody(), "和", w.somebody(), w.word(whys), "为", w.placeName(), w.word(works), w.count("米", "棵", "天", "块"), w.word(feelings), "，", w.word(replies))
	}
	w.put("。")
}

func (w *writer) closing() {
	switch w.rng.IntN(4) {
	case 0:
		w.put(w.day(), "再来，带", w.word(papers), "和", w.word(goods))
	case 1:
		w.put(w.word(replies), "，请", w.person(), w.word(wishes))
	case 2:
		w.put("电话", fmt.Sprintf("%s%08d", phonePrefix, w.rng.IntN(100_000_000)), "，", w.day(), w.word(wishes))
	default:
		w.put(w.word(policies), "单子交", w.word(offices), surname(w.rng), w.word(replies))
	}
	w.put("。")
}
