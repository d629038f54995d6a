package admin_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"minqing/internal/sheet"
	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/console/consoletest"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// listed is what an import of places says of its rows, by the lines they stand in.
type listed struct {
	rep       *register.Report
	bad, note map[int]string
}

// bringPlaces imports a list of places beneath one.
func bringPlaces(t *testing.T, c *consoletest.City, who, place string, preview bool, rows ...string) listed {
	t.Helper()
	out := listed{bad: map[int]string{}, note: map[int]string{}}
	keep := func(in map[int]string) func(sheet.Row, []schema.Label) error {
		return func(row sheet.Row, why []schema.Label) error {
			for _, w := range why {
				if w.ZH == "" || w.EN == "" {
					t.Errorf("line %d is told in one language: %+v", row.Line, w)
				}
				in[row.Line] += w.ZH + " | " + w.EN + "\n"
			}
			return nil
		}
	}
	text := strings.Join(rows, "\n") + "\n"
	rep, err := admin.PlaceList{Lines: register.Lines{Bad: keep(out.bad), Note: keep(out.note)}, E: c.Engine, By: c.Users[who], Place: c.Places[place], Preview: preview}.
		Run(t.Context(), "地方.csv", strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	out.rep = rep
	return out
}

// wantLines wants exactly these lines to be told of, each with these words.
func wantLines(t *testing.T, what string, got, want map[int]string) {
	t.Helper()
	for line, w := range want {
		for part := range strings.SplitSeq(w, "&") {
			if !strings.Contains(got[line], part) {
				t.Errorf("%s: line %d says %q, want %q", what, line, got[line], part)
			}
		}
	}
	for line, g := range got {
		if want[line] == "" {
			t.Errorf("%s: line %d says %q", what, line, g)
		}
	}
}

func openCity(t *testing.T) *consoletest.City {
	t.Helper()
	c, err := consoletest.Open(t.Context(), consoletest.Options{State: consoletest.Empty, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// paths are all places beneath the city by what lies above them, with their levels and codes.
func paths(t *testing.T, c *consoletest.City) map[string]string {
	t.Helper()
	var list []register.Place
	if err := c.Engine.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
		list, err = register.Beneath(tx, c.Places["city"])
		return err
	}); err != nil {
		t.Fatal(err)
	}
	byID, out := map[string]register.Place{}, map[string]string{}
	for _, p := range list {
		byID[p.ID] = p
	}
	for _, p := range list {
		path := p.Name
		for at := byID[p.Parent]; at.Parent != ""; at = byID[at.Parent] {
			path = at.Name + "/" + path
		}
		out[path] += strings.TrimSpace(p.Level + " " + p.Code)
	}
	return out
}

// TestPlaceListInAnyOrder: rows may stand before those of the places they lie in, levels and places above are found by what people write, a second
// import changes nothing, and a missing code is filled in.
func TestPlaceListInAnyOrder(t *testing.T) {
	c := openCity(t)
	before := paths(t, c)
	rows := []string{"级别,名称,代码,上级,面积",
		"组,三组,,990102003004,1", // by the code of a row below
		"村(社区),青石村,990102003004,白鹭镇,2",
		"乡镇,白鹭镇,990202,,3",
		"乡镇(街道),白鹤街道,,临江市,4",
		"社区,青石村,,白鹤街道,5", // the same name elsewhere
		"村民小组,一组,,白鹤街道/青石村,6",
		"自然村,上湾,,990102003004,7",
		"group,上湾一组,,白鹭镇／上湾,8",
		"楼栋,1栋,,白鹤街道 > 青石村,9",
		"街巷,老街,,石桥村,10", // was there
		"乡镇(街道),柳河镇,,,11",
		"市,临江市,,,12"}
	want := map[string]string{"白鹭镇": "township 990202", "白鹭镇/青石村": "village 990102003004", "白鹭镇/青石村/三组": "group", "白鹤街道": "township", "白鹤街道/青石村": "village",
		"白鹤街道/青石村/一组": "group", "白鹭镇/青石村/上湾": "natural", "白鹭镇/青石村/上湾/上湾一组": "group", "白鹤街道/青石村/1栋": "building", "柳河镇/石桥村/老街": "street"}
	city := bringPlaces(t, c, "admin", "city", true, rows...)
	wantLines(t, "preview", city.bad, nil)
	if city.rep.NewPlaces != 10 || city.rep.Rows != 12 || !slices.Equal(city.rep.Info.Unread, []string{"面积"}) {
		t.Errorf("the preview counts %+v", city.rep)
	}
	if got := paths(t, c); len(got) != len(before) {
		t.Fatalf("the preview made %v", got)
	}
	city = bringPlaces(t, c, "admin", "city", false, rows...)
	wantLines(t, "import", city.bad, nil)
	if city.rep.NewPlaces != 10 || city.rep.ChangedPlaces != 0 {
		t.Errorf("the import counts %+v", city.rep)
	}
	got := paths(t, c)
	for path, level := range want {
		if got[path] != level {
			t.Errorf("%s is %q, want %q", path, got[path], level)
		}
	}
	if len(got) != len(before)+len(want) {
		t.Errorf("the places are %v", got)
	}
	again := bringPlaces(t, c, "admin", "city", false, append(rows, "村民小组,第三村民小组,,白鹭镇/青石村,13")...)
	wantLines(t, "again", again.bad, map[int]string{14: "和第 2 行是同一个地方"}) // what a register takes for one group is one
	if again.rep.Changed() {
		t.Errorf("the second import counts %+v", again.rep)
	}
	coded := bringPlaces(t, c, "admin", "city", false, "级别,名称,代码,上级", "村,青石村,990103001001,白鹤街道", "村,石桥村,111111,柳河镇", "乡镇,白鹤街道,990203,")
	wantLines(t, "codes", coded.bad, nil)
	wantLines(t, "codes", coded.note, map[int]string{3: "没有改&was left"})
	if got := paths(t, c); coded.rep.ChangedPlaces != 2 || coded.rep.NewPlaces != 0 || got["白鹤街道/青石村"] != "village 990103001001" || got["白鹤街道"] != "township 990203" {
		t.Errorf("with codes they are %v, counted %+v", got, coded.rep)
	}
}

// TestPlaceListRefuses: each row that is not taken says what is wrong and what to do, in both languages, in a preview as in the import; the others are
// taken. Mended, the rest comes too.
func TestPlaceListRefuses(t *testing.T) {
	c := openCity(t)
	rows := []string{"级别,名称,代码,上级",
		"县,白鹭镇,,",                                   // 2
		"村,白鹭村,,白鹭镇",                                // 3: beneath a row that is not taken
		"村,无名村,,没有的镇",                               // 4
		"村,孤村,,",                                    // 5
		"组,9组,,柳河镇",                                 // 6
		"村,倒村,,1组 村前",                               // 7: under a group of the file
		"组,1组 村前,,石桥村",                              // 8: taken
		"村,双村,,柳河镇",                                 // 9: taken
		"村,双村,,枫桥镇",                                 // 10: taken
		"组,某组,,双村",                                  // 11
		"村,双村,,柳河镇",                                 // 12
		"自然村,8组 下湾,,石桥村",                            // 13: a group of that name is there
		",缺级别,,柳河镇",                                 // 14
		"村,,,柳河镇",                                   // 15
		"村,占码村,990101,柳河镇",                          // 16: a code of a place that is there
		"村,甲村,888,柳河镇",                              // 17: taken
		"村,乙村,888,枫桥镇",                              // 18
		"组,乙一组,,乙村",                                 // 19: beneath it
		"市,别的市,,",                                   // 20
		"村,长码村," + strings.Repeat("8", 21) + ",柳河镇", // 21
		"楼栋,组下楼,,1组 村前"}                             // 22: nothing lies under a group
	bad := map[int]string{2: "没有“县”这个级别；请写乡镇(街道)、管理区、村(社区)、自然村、村民小组、楼栋、街巷中的一个&There is no level “县”; write one of Township", 3: "“白鹭镇”在第 2 行，那一行没有导入；先改好那一行&is in row 2",
		4: "这里没有“没有的镇”这个地方，表里也没有", 5: "“临江市”是市，下面不能直接建村(社区)，能建的有：乡镇(街道)；请填上级&right under it cannot lie: Village, but these can: Township; fill in the place above",
		6: "“柳河镇”是乡镇(街道)，下面不能直接建村民小组，能建的有：管理区、村(社区)；请核对级别和上级", 7: "是村民小组，下面不能直接建村(社区)；请核对", 11: "这里有 2 个“双村”：枫桥镇/双村、柳河镇/双村；请写它的代码，或者像这样连上级一起写",
		12: "和第 9 行是同一个地方，只要一行", 13: "“石桥村”下面的“8组 下湾”是村民小组，不是自然村；一个地方下面名称不能重复", 14: "“级别”没有填", 15: "“名称”没有填", 16: "代码 990101 已经是“柳河镇”的", 18: "代码 888 和第 17 行的“甲村”一样",
		19: "“乙村”在第 18 行，那一行没有导入", 20: "市不能导入", 21: "代码", 22: "是村民小组，下面不能直接建楼栋；请核对"}
	for _, preview := range []bool{true, false, false} {
		got := bringPlaces(t, c, "admin", "city", preview, rows...)
		wantLines(t, fmt.Sprint("preview ", preview), got.bad, bad)
		if got.rep.Bad != len(bad) {
			t.Errorf("%d rows are bad, want %d", got.rep.Bad, len(bad))
		}
	}
	mended := bringPlaces(t, c, "admin", "city", false, "Level,Name,Code,Parent", "township,白鹭镇,,", "Village,白鹭村,,白鹭镇", "Group,某组,,枫桥镇/双村")
	wantLines(t, "mended", mended.bad, nil)
	if got := paths(t, c); mended.rep.NewPlaces != 3 || got["枫桥镇/双村/某组"] != "group" || got["白鹭镇/白鹭村"] != "village" || got["柳河镇/甲村"] != "village 888" {
		t.Errorf("mended they are %v, counted %+v", got, mended.rep)
	}
}

// TestPlaceListWithinRights: nothing is made but beneath the place that the list is about, and by nobody who could not make it by hand; what lies
// elsewhere looks like what is not there.
func TestPlaceListWithinRights(t *testing.T) {
	c := openCity(t)
	before := paths(t, c)
	rows := []string{"级别,名称,代码,上级", "村,新村,,枫桥镇", "村,外村,,柳河镇", "组,外组,,石桥村", "村,某村,990103,", "村,别村,,没有的镇"}
	got := bringPlaces(t, c, "otheradmin", "othertown", false, rows...)
	wantLines(t, "another town", got.bad, map[int]string{3: "这里没有“柳河镇”这个地方", 4: "这里没有“石桥村”这个地方", 5: "代码 990103 已经有地方用了", 6: "这里没有“没有的镇”这个地方"})
	if got.rep.NewPlaces != 1 || paths(t, c)["枫桥镇/新村"] != "village" {
		t.Errorf("counted %+v", got.rep)
	}
	got = bringPlaces(t, c, "otheradmin", "town", false, rows[0], "村,新村,,", "组,外组,,石桥村")
	wantLines(t, "over whom he has no right", got.bad, map[int]string{2: "您管不到“柳河镇”&not in your charge", 3: "您管不到“石桥村”"})
	got = bringPlaces(t, c, "secretary", "village", false, rows[0], "组,书记组,,")
	wantLines(t, "no administrator", got.bad, map[int]string{2: "您管不到“石桥村”"})
	if after := paths(t, c); len(after) != len(before)+1 {
		t.Errorf("the places are %v", after)
	}
}

// TestPlaceListInPieces: a list of more rows than a transaction takes is made whole, each place once and beneath its own; one that is too long, or
// that breaks off, makes nothing.
func TestPlaceListInPieces(t *testing.T) {
	c := openCity(t)
	before := len(paths(t, c))
	rows := []string{"级别,名称,上级"}
	for v := range 30 {
		for g := range 12 {
			rows = append(rows, fmt.Sprintf("组,%d组,新镇/%d号村", g+1, v+1))
		}
	}
	for v := range 30 {
		rows = append(rows, fmt.Sprintf("村,%d号村,新镇", v+1))
	}
	rows = append(rows, "乡镇,新镇,", "乡镇,新镇,")
	pieces, names := 0, map[syncproto.Identity]bool{}
	text := strings.Join(rows, "\n")
	run := func(text string, wrote func(*store.Tx, []syncproto.Identity) error) (*register.Report, error) {
		return admin.PlaceList{E: c.Engine, By: c.Users["admin"], Place: c.Places["city"], Wrote: wrote}.Run(t.Context(), "地方.csv", strings.NewReader(text), int64(len(text)))
	}
	broken := errors.New("broken")
	if _, err := run(text, func(*store.Tx, []syncproto.Identity) error {
		if pieces++; pieces == 2 {
			return broken
		}
		return nil
	}); !errors.Is(err, broken) {
		t.Fatalf("the broken import gives %v", err)
	}
	if n := len(paths(t, c)) - before; n != 200 {
		t.Errorf("the broken import made %d places", n)
	}
	rep, err := run(text, func(_ *store.Tx, changes []syncproto.Identity) error {
		for _, id := range changes {
			names[id] = true
		}
		return nil
	})
	if err != nil || rep.NewPlaces != 191 || rep.Bad != 1 || len(names) != 191 {
		t.Fatalf("going on gives %+v, %d names, %v", rep, len(names), err)
	}
	got := paths(t, c)
	if len(got) != before+391 || got["新镇/30号村/12组"] != "group" || got["新镇"] != "township" {
		t.Errorf("%d places are there, were %d", len(got), before)
	}
	long := "级别,名称\n乡镇,头一个镇\n" + strings.Repeat("乡镇,长镇\n", 20000)
	var e *syncproto.Error
	if _, err := run(long, nil); !errors.As(err, &e) || e.Code != syncproto.CodeTooLarge {
		t.Errorf("a list that is too long gives %v", err)
	}
	if _, err := (admin.PlaceList{E: c.Engine, By: c.Users["admin"], Place: c.Places["city"]}).Run(context.Background(), "x.csv", strings.NewReader("名称\n甲镇\n"), int64(len("名称\n甲镇\n"))); err == nil || !strings.Contains(err.Error(), "级别") {
		t.Errorf("a list without levels gives %v", err)
	}
	if len(paths(t, c)) != before+391 {
		t.Error("a list that cannot be read made something")
	}
}
