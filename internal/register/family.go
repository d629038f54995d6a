package register

import (
	"slices"
	"strings"
	"time"
)

// Labels of household tags that follow from who lives there; a test holds them to the schema's.
const (
	tagEmptyNest     = "空巢老人"
	tagLeftBehind    = "留守儿童"
	tagFiveGuarantee = "五保户"
	tagInfant        = "婴幼儿"
	tagOldMember     = "老党员"
	tagLowIncome     = "低保户"
	tagHardship      = "困难户"
)

// sometimes are tags that nothing in the register tells, with how many households of a thousand have them.
var sometimes = []struct {
	tag      string
	thousand int
}{{tagHardship, 45}, {tagLowIncome, 40}, {"残疾", 30}, {"老干部", 12}, {"参政议政能力强", 25}, {"重点联系", 20}, {"困难党员", 6}, {"下岗失业", 12}, {"残疾老人", 10}}

// family invents the people of a household, its head first, and the tags that follow.
func (g *generator) family(size int) ([]Person, []string) {
	f := &familyMaker{g: g, name: surname(g.rng)}
	switch {
	case size == 1:
		f.alone()
	case size == 2:
		f.two()
	case size == 3 && chance(g.rng, 18):
		f.couple(between(g.rng, 58, 74))
		f.grandchild(between(g.rng, 3, 14))
		f.parentsAway = true
	case size >= 5 && chance(g.rng, 55):
		f.couple(between(g.rng, 52, 68))
		f.youngCouple()
	case size == 4 && chance(g.rng, 30):
		f.couple(between(g.rng, 52, 68))
		f.youngCouple()
	default:
		f.couple(between(g.rng, 29, 52))
		if size >= 4 && chance(g.rng, 40) {
			f.parent("母亲", "f")
		}
		if size >= 5 && chance(g.rng, 40) {
			f.parent("父亲", "m")
		}
	}
	for len(f.people) < size {
		f.nextChild()
	}
	return f.people, f.tags()
}

// familyMaker is a household being invented.
type familyMaker struct {
	g           *generator
	name        string // the surname that children have
	people      []Person
	ages        []int
	young       int // age of the young couple, 0 without one
	parentsAway bool
}

func (f *familyMaker) add(relation, sex, name string, age int) {
	g := f.g
	birth := g.today.AddDate(-age, 0, -g.rng.IntN(364)).Format(time.DateOnly)
	year := g.today.Year() - age
	p := Person{Name: name + given(g.rng, sex, year), Sex: sex, Birth: birth, ID: g.id(birth, sex), Relation: relation, Schooling: g.schooling(age)}
	if relation == "户主" || age >= 16 && age < 70 && chance(g.rng, 70) {
		p.Phone = g.phone()
	}
	if relation != "户主" && age >= 18 && age <= 52 && chance(g.rng, 38) {
		p.Away = pick(g.rng, strings.Fields("东莞 深圳 广州 佛山 温州 义乌 苏州 昆山 上海 杭州 宁波 厦门 省城 县城 北京 天津 成都 重庆"))
	}
	p.Party = age >= 22 && chance(g.rng, 6)
	f.people, f.ages = append(f.people, p), append(f.ages, age)
}

func (g *generator) schooling(age int) string {
	switch {
	case age < 6:
		return ""
	case age < 12:
		return "小学在读"
	case age < 15:
		return "初中在读"
	case age < 18:
		return pick(g.rng, []string{"高中在读", "中专在读"})
	case age < 23:
		return pick(g.rng, []string{"高中", "中专", "大专在读", "本科在读"})
	case age < 40:
		return pick(g.rng, []string{"初中", "初中", "高中", "中专", "大专", "本科"})
	case age < 65:
		return pick(g.rng, []string{"小学", "初中", "初中", "高中"})
	}
	return pick(g.rng, []string{"文盲", "小学", "小学", "初中"})
}

func (f *familyMaker) alone() {
	age := between(f.g.rng, 60, 92)
	if chance(f.g.rng, 30) {
		age = between(f.g.rng, 28, 59)
	}
	f.add("户主", pick(f.g.rng, []string{"m", "m", "f"}), f.name, age)
}

func (f *familyMaker) two() {
	switch n := f.g.rng.IntN(100); {
	case n < 50:
		f.couple(between(f.g.rng, 62, 88))
	case n < 65:
		f.add("户主", pick(f.g.rng, []string{"m", "f", "f"}), f.name, between(f.g.rng, 56, 76))
		f.grandchild(between(f.g.rng, 3, 14))
		f.parentsAway = true
	case n < 85:
		f.couple(between(f.g.rng, 28, 58))
	default:
		f.add("户主", pick(f.g.rng, []string{"m", "f"}), f.name, between(f.g.rng, 34, 60))
		f.nextChild()
	}
}

// couple adds a head and a spouse; three times of four the head is the husband, and children have the husband's surname.
func (f *familyMaker) couple(age int) {
	other := max(22, age+between(f.g.rng, -4, 4))
	if chance(f.g.rng, 75) {
		f.add("户主", "m", f.name, age)
		f.add("配偶", "f", surname(f.g.rng), other)
		return
	}
	f.add("户主", "f", surname(f.g.rng), age)
	f.add("配偶", "m", f.name, other)
}

// youngCouple adds a grown son and his wife to the head's household.
func (f *familyMaker) youngCouple() {
	f.young = max(21, f.ages[0]-between(f.g.rng, 23, 30))
	f.add("儿子", "m", f.name, f.young)
	f.add("儿媳", "f", surname(f.g.rng), max(20, f.young+between(f.g.rng, -3, 2)))
}

func (f *familyMaker) parent(relation, sex string) {
	name := f.people[0].Name[:len("王")] // the father of a head has the head's surname
	if sex == "f" {
		name = surname(f.g.rng)
	}
	f.add(relation, sex, name, min(96, f.ages[0]+between(f.g.rng, 21, 33)))
}

func (f *familyMaker) grandchild(age int) {
	sex := pick(f.g.rng, []string{"m", "f"})
	f.add(map[string]string{"m": "孙子", "f": "孙女"}[sex], sex, f.name, age)
}

// nextChild adds a child: a grandchild of the head where a young couple lives in the house.
func (f *familyMaker) nextChild() {
	if f.young > 0 {
		f.grandchild(max(0, f.young-between(f.g.rng, 22, 28)+f.g.rng.IntN(3)))
		return
	}
	sex := pick(f.g.rng, []string{"m", "f"})
	f.add(map[string]string{"m": "儿子", "f": "女儿"}[sex], sex, f.name, max(0, f.ages[0]-between(f.g.rng, 22, 32)))
}

// tags lists the tags of the household.
func (f *familyMaker) tags() []string {
	var out []string
	oldest, youngest := slices.Max(f.ages), slices.Min(f.ages)
	if youngest >= 65 {
		out = append(out, tagEmptyNest)
	}
	if len(f.people) == 1 && oldest >= 60 && chance(f.g.rng, 12) {
		out = append(out, tagFiveGuarantee)
	}
	if f.parentsAway {
		out = append(out, tagLeftBehind)
	}
	if youngest < 3 {
		out = append(out, tagInfant)
	}
	for i, p := range f.people {
		if p.Party && f.ages[i] >= 65 && !slices.Contains(out, tagOldMember) {
			out = append(out, tagOldMember)
		}
	}
	for _, s := range sometimes {
		if f.g.rng.IntN(1000) < s.thousand {
			out = append(out, s.tag)
		}
	}
	return out
}
