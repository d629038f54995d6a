package account

import (
	"strings"
	"testing"
)

// TestPasswords names passwords that are tried first, most of which no list holds as they stand, and others that nobody should be kept from.
func TestPasswords(t *testing.T) {
	for _, p := range []string{
		"wang123456", "zhang123456", "Wangwei1987", "lixiaoming520", "2008zhangwei", "zdw19870615", "a123456789", "张伟19870615", "zhang@123456", "Ouyang#2026",
		"5201314520", "1314520520", "520131452013141314", "13800138000", "19870615.19870615", "44010119870615001X",
		"Admin123456", "root123456", "admin@2026", "adminroot88", "taobao123456", "weixin520520", "T@obao2026!", "P@$$word2026", "testuser001", "minqing2026",
		"1234567890", "abcabcabcabc", "password123!", "qwertyuiop",
	} {
		if checkPassword(p, "", "") == nil {
			t.Errorf("%q is taken", p)
		}
	}
	for _, p := range []string{
		"石桥村口的老樟树有三百岁", "另一句自己记得住的话", "秋天摘了46个红苹果", "wan shan hong bian 46", "menqianyoukelaozhangshu", "wang jia de 3 tou niu", "correct horse battery staple",
		"kT9vexq41Lm", "7rivers&2hills", "lantern-42-otter", "x8fQ2mz7Kp", "70429318865021947736", "Guanyin shan 1.203 mi",
	} {
		if err := checkPassword(p, "lugang", "陆钢"); err != nil {
			t.Errorf("%q is refused: %v", p, err)
		}
	}
	if checkPassword(strings.Repeat("520", 8), "", "") == nil {
		t.Error("a few digits over and over are taken")
	}
}
