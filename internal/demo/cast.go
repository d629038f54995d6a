package demo

import (
	"fmt"
	"os"
	"slices"

	"minqing/internal/register"
	"minqing/schema"
)

// seed fixes the invented village, so that the story reads the same every time.
const seed = 20261124

// village is the register of the story.
func village() (*register.Register, error) { return register.Generate(seed, register.Size{}) }

// writeRegister writes the village's workbook as its office would hand it over.
func writeRegister(v *register.Register, file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := v.WriteWorkbook(f); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return f.Close()
}

// contacts is how many cadres the story has, and eachHolds how many households each of them is assigned.
const (
	contacts  = 30
	eachHolds = 10
)

// surnames and given names of the cadres; the first three carry the phones of the story.
var cadreNames = [contacts]string{"刘敏", "赵建国", "陈晓兰", "孙志强", "周美玲", "吴国栋", "郑丽华", "王守田", "冯春梅", "褚文斌",
	"卫海燕", "蒋大山", "沈玉芬", "韩立新", "杨秀英", "朱长河", "秦亚男", "尤福根", "许桂香", "何永康",
	"吕小军", "施巧云", "张德胜", "孔令芳", "曹金水", "严冬梅", "华卫东", "金兰英", "魏长林", "陶喜凤"}

var teams = [...]string{"leading", "cadre", "member"}

// cast makes the cadres. The second shares the first household of the first, the eleventh one of the third, and so on: a household may
// have one contact from each team.
func cast(v *register.Register) []*phone {
	out := make([]*phone, contacts)
	for i := range out {
		p := &phone{login: fmt.Sprintf("cadre%02d", i+1), name: cadreNames[i], team: teams[i%len(teams)]}
		for j := range eachHolds {
			p.households = append(p.households, v.Households[i*eachHolds+j].Code)
		}
		if i%len(teams) == 1 {
			p.households[0] = v.Households[(i-1)*eachHolds].Code
		}
		out[i] = p
	}
	return out
}

// lackingTags are the household tags that a household of the register does not have.
func lackingTags(h register.Household) []string {
	var out []string
	for _, o := range schema.Minqing().Table("household").Column("tags").Options {
		if !slices.Contains(h.Tags, o.Label.ZH) {
			out = append(out, o.Value)
		}
	}
	return out
}
