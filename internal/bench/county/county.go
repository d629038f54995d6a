package county

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/engine"
	"minqing/server/store"
	"minqing/syncproto"
)

// Sizes say how much is planted. Of every village there is an equal share.
type Sizes struct {
	Townships, Villages, Homes, People, Visits, Contacts, Conflicts, Refused int
}

// Full is a county-level city by DOMAIN's estimates, with two months of visits.
var Full = Sizes{Townships: 20, Villages: 900, Homes: 230_000, People: 600_000, Visits: 1_000_000, Contacts: 26_400, Conflicts: 2_000, Refused: 500}

// Of is a part of a city, of so many villages: as many conflicts, and of all else its share.
func (s Sizes) Of(villages int) Sizes {
	part := func(n int) int { return max(1, n*villages/s.Villages) }
	return Sizes{Townships: part(s.Townships), Villages: villages, Homes: part(s.Homes), People: part(s.People), Visits: part(s.Visits), Contacts: part(s.Contacts), Conflicts: s.Conflicts, Refused: s.Refused}
}

// Tiny is what tests plant.
var Tiny = Sizes{Townships: 2, Villages: 4, Homes: 60, People: 160, Visits: 240, Contacts: 16, Conflicts: 8, Refused: 4}

// metaCounty is the mark that planting ended well: what was planted, and when.
const metaCounty = "bench county"

// mark is what metaCounty holds.
type mark struct {
	Sizes Sizes
	At    int64
}

// Planted tells when what a database holds was planted; ok is false unless it holds just these sizes, whole.
func Planted(ctx context.Context, s *store.Store, want Sizes) (at time.Time, ok bool, err error) {
	err = s.Read(ctx, func(tx *store.Tx) error {
		raw, err := tx.Meta(metaCounty)
		if err != nil || raw == "" {
			return err
		}
		var m mark
		if err := json.Unmarshal([]byte(raw), &m); err != nil {
			return err
		}
		at, ok = time.UnixMilli(m.At), m.Sizes == want
		return nil
	})
	return at, ok, err
}

// farmer is one run of planting.
type farmer struct {
	e    *engine.Engine
	size Sizes
	now  int64
	dice *rand.ChaCha8
	draw *rand.Rand
	say  func(format string, args ...any)

	city, admin string
	boss        syncproto.DeviceID
	next        map[syncproto.DeviceID]uint64
}

// dispute is a household with two who may write it.
type dispute struct {
	home syncproto.RowID
	by   [2]hand
}

const day = int64(24 * time.Hour / time.Millisecond)

// Plant founds a city in the empty database of an engine, and plants. What was planted before a run was ended goes on where it stopped: each
// village is a transaction of its own.
func Plant(ctx context.Context, e *engine.Engine, size Sizes, say func(format string, args ...any)) error {
	f := &farmer{e: e, size: size, now: e.Now(), dice: rand.NewChaCha8([32]byte{7}), say: say, next: map[syncproto.DeviceID]uint64{}}
	f.draw = rand.New(f.dice)
	ctx = store.Keyed(ctx)
	towns, done, err := f.before(ctx)
	if err != nil {
		return err
	}
	if len(towns) == 0 {
		if err := (&admin.Desk{E: e}).Found(ctx, admin.Founding{City: "临江市", Code: "990000", Login: "boss", Name: "何婉清"}); err != nil {
			return err
		}
		if err := f.founder(ctx); err != nil {
			return err
		}
		if towns, err = f.townships(ctx); err != nil {
			return err
		}
	} else {
		f.say("going on behind %d villages", done)
	}
	if err := f.roomy(ctx); err != nil {
		return err
	}
	began := time.Now()
	for i := done; i < size.Villages; i++ {
		f.dice = rand.NewChaCha8([32]byte{7, byte(i), byte(i >> 8)}) // of each village its own, wherever a run begins
		f.draw = rand.New(f.dice)
		if err := f.village(ctx, i, towns[i%len(towns)]); err != nil {
			return fmt.Errorf("village %d: %w", i, err)
		}
		if i == done || (i+1)%100 == 0 { // the first tells what a village takes
			f.say("planted %d villages in %.0f s", i+1-done, time.Since(began).Seconds())
		}
	}
	if err := e.Store.Write(ctx, func(tx *store.Tx) error { return tx.ReckonOverviews() }); err != nil {
		return err
	}
	if err := f.disputes(ctx); err != nil {
		return err
	}
	return e.Store.Write(ctx, func(tx *store.Tx) error {
		raw, err := json.Marshal(mark{size, f.now})
		if err != nil {
			return err
		}
		return tx.SetMeta(metaCounty, string(raw))
	})
}

// roomy has SQLite keep in memory what it writes next to: the keys of a village lie all over the indexes. It lasts as long as the connection, so
// whoever measures opens the database anew.
func (f *farmer) roomy(ctx context.Context) error {
	if f.e.Store.Postgres() {
		return nil
	}
	return f.e.Store.Write(ctx, func(tx *store.Tx) error {
		for _, pragma := range []string{"cache_size = -2000000", "wal_autocheckpoint = 100000"} {
			if err := tx.Exec("PRAGMA " + pragma); err != nil {
				return err
			}
		}
		return nil
	})
}

// before finds what a run that was ended has planted: the townships, when all of them are there, and how many villages.
func (f *farmer) before(ctx context.Context) (towns []syncproto.RowID, villages int, err error) {
	err = f.e.Store.Read(ctx, func(tx *store.Tx) error {
		if err := tx.Each(func(scan func(...any) error) error {
			var id syncproto.RowID
			err := scan(&id)
			towns = append(towns, id)
			return err
		}, "SELECT id FROM place WHERE level = 'township' ORDER BY code"); err != nil || len(towns) == 0 {
			return err
		}
		if len(towns) < f.size.Townships {
			return fmt.Errorf("county: only %d townships are there: empty the folder", len(towns))
		}
		var n int64
		if _, err := tx.One("SELECT COUNT(*) FROM place WHERE level = 'village'", nil, &n); err != nil {
			return err
		}
		villages = int(n)
		if _, err := tx.One("SELECT id FROM place WHERE parent IS NULL", nil, &f.city); err != nil {
			return err
		}
		if _, err := tx.One(`SELECT u.id, d.id FROM "user" u JOIN device d ON d."user" = u.id WHERE u.login = ? ORDER BY d.id LIMIT 1`, []any{"boss"}, &f.admin, &f.boss); err != nil {
			return err
		}
		return tx.Each(func(scan func(...any) error) error {
			var id syncproto.DeviceID
			var number int64
			err := scan(&id, &number)
			f.next[id] = uint64(number)
			return err
		}, "SELECT id, next FROM mq_device")
	})
	return towns, villages, err
}

// founder finds the city and its administrator, and gives him a device to plant from.
func (f *farmer) founder(ctx context.Context) error {
	return f.e.Store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.One("SELECT id FROM place WHERE parent IS NULL", nil, &f.city); err != nil {
			return err
		}
		if _, err := tx.One(`SELECT id FROM "user" WHERE login = ?`, []any{"boss"}, &f.admin); err != nil {
			return err
		}
		b, err := newBed(tx, f.e.Zone, f.dice, f.city, f.next)
		if err != nil {
			return err
		}
		at := f.now - 200*day
		id := b.id(at)
		f.boss = syncproto.DeviceID(id)
		by := f.hand(at)
		if err := b.grow(by, b.edit("device", id, syncproto.OpCreate, "user", f.admin, "label", "办公室电脑", "platform", "windows", "key", "ed25519 boss")); err != nil {
			return err
		}
		if err := b.save(); err != nil {
			return err
		}
		return f.saveDevice(tx, f.boss, syncproto.UserID(f.admin), 0)
	})
}

// hand is the administrator's.
func (f *farmer) hand(at int64) hand {
	return hand{user: syncproto.UserID(f.admin), device: f.boss, at: at, role: schema.RoleAdmin}
}

// versions are what phones run: most the newest, some older ones.
var versions = []string{"minqing-field 0.4.0", "minqing-field 0.4.0", "minqing-field 0.4.0", "minqing-field 0.3.2", "minqing-field 0.3.2", "minqing-field 0.2.9"}

// saveDevice writes what the server keeps of a phone that last called some days ago.
func (f *farmer) saveDevice(tx *store.Tx, id syncproto.DeviceID, user syncproto.UserID, days int) error {
	d := store.Device{ID: id, User: user, Key: "ed25519 " + string(id), Next: max(1, f.next[id]), Client: versions[f.draw.IntN(len(versions))],
		LastContact: f.now - int64(days)*day - f.draw.Int64N(day), Waiting: f.draw.Int64N(4), ClockOffset: f.draw.Int64N(6000) - 3000}
	if f.draw.IntN(40) == 0 {
		d.ClockOffset = 11 * 60 * 1000
	}
	return tx.SaveDevice(d)
}

// townships makes them, each with its specialist.
func (f *farmer) townships(ctx context.Context) (ids []syncproto.RowID, err error) {
	for i := range f.size.Townships {
		err := f.e.Store.Write(ctx, func(tx *store.Tx) error {
			at := f.now - 180*day
			maker, err := newBed(tx, f.e.Zone, f.dice, "", f.next)
			if err != nil {
				return err
			}
			id := maker.id(at)
			b, err := newBed(tx, f.e.Zone, f.dice, string(id), f.next)
			if err != nil {
				return err
			}
			u, r := b.id(at), b.id(at)
			if err := b.grow(f.hand(at), b.edit("place", id, syncproto.OpCreate, "parent", f.city, "level", "township", "name", pick(f.draw, towns)+"镇", "code", fmt.Sprintf("990%03d", i+1)),
				b.edit("user", u, syncproto.OpCreate, "place", string(id), "login", fmt.Sprintf("town%d", i), "name", name(f.draw), "post", "乡镇专员"),
				b.edit("role", r, syncproto.OpCreate, "user", string(u), "role", "township", "place", string(id))); err != nil {
				return err
			}
			ids = append(ids, id)
			return b.save()
		})
		if err != nil {
			return nil, err
		}
	}
	return ids, nil
}

var (
	surnames = strings.Split("王 李 张 刘 陈 杨 黄 赵 吴 周 徐 孙 马 朱 胡 郭 何 高 林 罗 郑 梁 谢 宋 唐 许 韩 冯 邓 曹 彭 曾 萧 田 董 袁 潘 于 蒋 蔡 余 杜 叶 程 苏 魏 吕 丁 任 沈", " ")
	given    = strings.Split("秀英 桂兰 建国 建军 志强 丽华 海燕 小红 国强 玉兰 文 军 芳 敏 静 伟 磊 洋 勇 艳 娟 涛 明 超 霞 平 刚 桂英 春梅 德旺 有田 素琴 立军 婉清 诗雅 根生 金凤 长河", " ")
	towns    = strings.Split("柳河 枫桥 石门 清溪 白沙 青山 双河 龙泉 上坪 下塘 大桥 新田 高坪 平江 长岭 东山 西湖 南塘 北港 中和", " ")
	hamlets  = strings.Split("石桥 枫林 柳溪 上湾 下湾 东坪 西坪 南冲 北冲 大塘 小塘 新屋 老屋 竹山 茶园 樟树 油坊 瓦窑 水口 龙头", " ")
	notes    = strings.Split("家里都好，老人身体硬朗。|问了医保缴费的事，已经讲清楚。|屋后水沟堵了，约好周末来清。|儿子在外打工，春节才回来。|地里的稻子收完了，收成不错。|想问临时救助要哪些材料。|院墙有裂缝，拍了照片。|孩子上学的补助已经到账。|说路灯坏了两盏，晚上不好走。|送去了政策单，一条一条念给他听。|腿脚不便，药要人代买。|水压不够，二楼用不上水。", "|")
	titles   = strings.Split("屋顶漏雨，危房|申请临时救助|院墙开裂|路灯不亮|水沟堵塞|邻居争宅基地|低保复核|水压不够", "|")
)

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

func name(r *rand.Rand) string { return pick(r, surnames) + pick(r, given) }

func phone(r *rand.Rand) string { return fmt.Sprintf("1%010d", 3_500_000_000+r.Int64N(999_999_999)) }
