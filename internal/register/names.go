package register

import (
	"math/rand/v2"
	"strings"
)

// surnames are those of the village, the earlier the more families have it: villages are a few clans and those who married in.
var surnames = strings.Fields("王 李 陈 赵 刘 张 周 吴 黄 徐 孙 胡 朱 高 林 何 郭 马 罗 梁 宋 郑 谢 韩 唐 冯 于 董 萧 程 曹 袁 邓 许 傅 沈 曾 彭 吕 苏 " +
	"卢 蒋 蔡 贾 丁 魏 薛 叶 阎 余 潘 杜 戴 夏 钟 汪 田 任 姜 范 方 石 姚 谭 廖 邹 熊 金 陆 郝 孔 白 崔 康 毛 邱 秦 江 史 顾 侯 邵 孟 龙 万 段 钱 汤 尹 黎 易 常 武 乔 贺 赖 龚 文 欧阳 司马 上官 诸葛")

// era is the characters that given names were made of in some years.
type era struct {
	until        int // birth year
	men, women   []rune
	alone        int // of a hundred names, how many have one character only
	menDoubles   []string
	womenDoubles []string
}

var eras = []era{
	{1955, []rune("福寿贵德财富田根土生金银水木火旺发荣祥顺义仁礼信忠孝廉长春山林树柏松泉海河庆喜来有正明光宗耀祖继承世传家兴业万千百"),
		[]rune("桂秀玉兰英珍凤仙菊莲香梅翠珠银金花芬芳春秋月娥巧素淑贞惠美彩云喜招兰草枝叶莉荷桃杏梨蕊"), 8,
		strings.Fields("德福 长根 水生 金贵 有田 庆丰 世荣 继祖 春山 万财"), strings.Fields("桂芬 秀兰 玉珍 凤英 菊香 翠莲 银花 素贞 招娣 月娥")},
	{1978, []rune("建国军华强东红卫民援朝跃进文革胜利志勇刚毅伟忠诚爱党永宏学工农兵新中平安和平解放立功保向前光明大海山河长江卫星"),
		[]rune("秀丽红霞梅英萍芳敏玲燕娟琴琼华荣爱珍桂凤莲芝兰蓉菊清洁素云彩玉琳瑛慧艳春秋月霜雪晴"), 22,
		strings.Fields("建国 卫东 志强 援朝 跃进 永红 国梁 大山 学军 爱民"), strings.Fields("秀英 丽华 红霞 爱珍 桂兰 玉梅 春燕 小红 惠芳 素琴")},
	{2000, []rune("伟磊涛斌超鹏飞亮辉杰波浩宇俊峰凯明亮勇刚毅龙虎林森栋梁博文武斌宁帆帅鑫森洋川江湖海洲晨阳旭东升腾跃翔志远恒达通"),
		[]rune("静丽敏娜婷艳芳娟霞莉莎媛晶晶倩雪梅丹颖琳璐瑶欣怡洁莹薇蕾佳慧玉珊珍妮蓉婉清秋月冰洁爽悦露"), 35,
		strings.Fields("志远 海洋 文博 晓东 建华 家豪 永强 俊杰 国庆 小龙"), strings.Fields("晓燕 婉清 丽娜 雪梅 佳慧 小芳 玉婷 春花 海霞 文静")},
	{9999, []rune("沐阳梓轩宇浩然子睿奕辰皓哲铭泽俊熙晨曦天佑博文思远嘉懿昊霖煜祺承恩致一诺言希墨白景行云舟知行以恒牧野川南乔安"),
		[]rune("梓涵欣怡诗雨佳琪雨桐可馨思雅语嫣若汐依诺芷晴安然一诺念初心悦婉清月宁书瑶清欢锦瑟沐晨星苒夏初晚棠知微念慈"), 6,
		strings.Fields("沐阳 梓轩 浩然 子睿 奕辰 皓哲 铭泽 俊熙 天佑 思远"), strings.Fields("梓涵 欣怡 诗雨 佳琪 雨桐 可馨 思雅 语嫣 若汐 依诺")},
}

// rare are names that fonts, encodings and careless programs lose: beyond the BMP, in extension A, with a dot, of four characters.
var rare = []string{"\U00020BB7", "\U0002CB5A丽", "䶮", "㛃", "\U0002AA58", "建\U00023C97", "\U0002CC56华", "堃", "犇", "燚", "喆", "秀\U00020C5B"}

// foreign are whole names of another form.
var foreign = []string{"阿依古丽·买买提", "艾力·吐尔逊", "扎西卓玛"}

func surname(rng *rand.Rand) string {
	// Squaring leans towards the front of the list.
	x := rng.Float64()
	return surnames[int(x*x*float64(len(surnames)))]
}

func given(rng *rand.Rand, sex string, year int) string {
	e := eras[0]
	for _, e = range eras {
		if year <= e.until {
			break
		}
	}
	pool, doubles := e.men, e.menDoubles
	if sex == "f" {
		pool, doubles = e.women, e.womenDoubles
	}
	switch n := rng.IntN(100); {
	case n < e.alone:
		return string(pool[rng.IntN(len(pool))])
	case n < e.alone+20:
		return pick(rng, doubles)
	}
	return string([]rune{pool[rng.IntN(len(pool))], pool[rng.IntN(len(pool))]})
}

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

// between draws a number from low to high, both included.
func between(rng *rand.Rand, low, high int) int { return low + rng.IntN(high-low+1) }

// chance is true so many times of a hundred.
func chance(rng *rand.Rand, percent int) bool { return rng.IntN(100) < percent }
