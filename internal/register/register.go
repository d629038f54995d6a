package register

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"minqing/schema"
)

// Size says how large a village to invent. The zero value of a field stands for that of the village of DOMAIN.md.
type Size struct {
	Groups     int
	Households int
	People     int
	// Odd is how many rows of each oddity the workbook has; -1 for none.
	Odd int
	// Today is the day on which the register is kept, YYYY-MM-DD: ages are counted from it.
	Today string
}

// The village of DOMAIN.md.
const (
	villageGroups     = 15
	villageHouseholds = 859
	villagePeople     = 2248
	oddEach           = 2
	keptOn            = "2026-11-24"
)

// Register is an invented village.
type Register struct {
	Township   string
	Village    string
	Groups     []string
	Households []Household
	Odd        []Odd // what is not as it should be in the workbook, by row
	lines      []line
}

// Household is one household; its head is the first of its people.
type Household struct {
	Code    string
	Group   string
	Address string
	Tags    []string // labels
	People  []Person
}

// Person is one resident.
type Person struct {
	Name      string
	Sex       string // m or f
	Birth     string // YYYY-MM-DD
	ID        string
	Phone     string
	Relation  string
	Schooling string
	Away      string // where, "" if at home
	Party     bool
}

const (
	township = "柳河镇"
	village  = "石桥村"
	// phonePrefix is no operator's, and looks like a mobile number to people and programs.
	phonePrefix = "128"
)

// hamlets are the natural villages, one a group.
var hamlets = strings.Fields("上湾 下湾 老屋场 柳树坪 石桥头 碾子沟 杨家冲 油坊 竹园 北坡 槐树底 河沿 新屋 庙前 窑坡")

// generator is the state of inventing.
type generator struct {
	rng      *rand.Rand
	today    time.Time
	region   string
	phones   int
	ids      map[string]bool
	register *Register
}

// Generate invents a village.
func Generate(seed uint64, size Size) (*Register, error) {
	if size.Groups == 0 {
		size.Groups = villageGroups
	}
	if size.Households == 0 {
		size.Households = villageHouseholds
	}
	if size.People == 0 {
		size.People = villagePeople
	}
	if size.Odd == 0 {
		size.Odd = oddEach
	}
	if size.Today == "" {
		size.Today = keptOn
	}
	today, err := time.Parse(time.DateOnly, size.Today)
	if err != nil {
		return nil, fmt.Errorf("register: today: %w", err)
	}
	if size.Groups > size.Households || size.Households > size.People || size.People > most*size.Households {
		return nil, fmt.Errorf("register: %d people cannot live in %d households of 1 to %d in %d groups", size.People, size.Households, most, size.Groups)
	}
	rng := rand.New(rand.NewPCG(seed, 0x6d696e71696e67)) // the second word only keeps this stream apart from others of the seed
	g := &generator{rng: rng, today: today, region: fmt.Sprintf("00%04d", between(rng, 1000, 9900)), phones: rng.IntN(1000),
		ids: map[string]bool{}, register: &Register{Township: township, Village: village}}
	g.populate(size)
	g.tellApart()
	g.layOut()
	if size.Odd > 0 {
		g.makeOdd(size.Odd)
	}
	return g.register, nil
}

// most is the largest household.
const most = 9

// populate invents groups, households and people.
func (g *generator) populate(size Size) {
	members := g.spread(size.People, size.Households, most)
	counts := g.spread(size.Households, size.Groups, size.Households)
	next := 0
	for i, count := range counts {
		group := fmt.Sprintf("第%d组", i+1)
		g.register.Groups = append(g.register.Groups, group)
		hamlet := hamlets[i%len(hamlets)]
		for n := range count {
			h := Household{Code: fmt.Sprintf("SQ%02d-%03d", i+1, n+1), Group: group, Address: township + village + group + g.door(hamlet, n)}
			h.People, h.Tags = g.family(members[next])
			next++
			g.register.Households = append(g.register.Households, h)
		}
	}
}

// door says where in a hamlet a house is, as people there would.
func (g *generator) door(hamlet string, n int) string {
	switch g.rng.IntN(10) {
	case 0:
		return fmt.Sprintf("%s%s第%d户", hamlet, pick(g.rng, strings.Fields("老供销社后排东起 晒谷场西侧 小学旧址旁 水井巷 大樟树下 祠堂北边 公路边 粮站家属院")), between(g.rng, 1, 9))
	case 1, 2:
		return fmt.Sprintf("%s%d号附%d号", hamlet, n+1, between(g.rng, 1, 3))
	}
	return fmt.Sprintf("%s%d号", hamlet, n+1)
}

// spread divides a total among parts of at least one and at most limit, unevenly.
func (g *generator) spread(total, parts, limit int) []int {
	out := make([]int, parts)
	for i := range out {
		out[i] = 1
	}
	for left := total - parts; left > 0; {
		if i := g.rng.IntN(parts); out[i] < limit {
			out[i]++
			left--
		}
	}
	return out
}

// id invents a number that nobody else has.
func (g *generator) id(birth, sex string) string {
	for {
		sequence := 2*g.rng.IntN(498) + 1 // below 996, which 15-digit numbers kept for people over a hundred
		if sex == "f" {
			sequence--
		}
		first := g.region + strings.ReplaceAll(birth, "-", "") + fmt.Sprintf("%03d", sequence)
		if id := first + string(schema.IDCheckDigit(first)); !g.ids[id] {
			g.ids[id] = true
			return id
		}
	}
}

func (g *generator) phone() string {
	g.phones += between(g.rng, 1, 3)
	return fmt.Sprintf("%s%08d", phonePrefix, g.phones%100_000_000)
}

// tellApart gives some people rare names, and some the name of somebody else: a register is full of them.
func (g *generator) tellApart() {
	homes := g.register.Households
	person := func(i int) *Person {
		h := &homes[i%len(homes)]
		return &h.People[g.rng.IntN(len(h.People))]
	}
	step := max(1, len(homes)/(len(rare)+len(foreign)+1))
	for i, name := range rare {
		p := person(1 + i*step)
		p.Name = string([]rune(p.Name)[:1]) + name
	}
	for i, name := range foreign {
		person(1 + (len(rare)+i)*step).Name = name
	}
	for range max(1, len(homes)/60) {
		at := g.rng.IntN(len(homes))
		a, b := person(at), person(at+1) // neighbours, mostly of one group
		b.Name = a.Name
	}
}
