// Command minqing-field is the device: it keeps the replica of one cadre's households in a file, records visits, matters and
// corrections with no network, and syncs. Field staff use it through its pages; the commands are for laptops, scripts and tests.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"minqing/mobile-client/field"
	"minqing/mobile-client/phone"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// version is set when a release is built (-ldflags -X main.version=…).
var version = "dev"

// options are the flags that every command shares.
type options struct {
	File string `help:"数据文件 / the data file" default:"minqing-field.db" env:"MINQING_FIELD_FILE" type:"path"`
	PIN  string `help:"口令，加密文件时要 / the PIN of an encrypted file" env:"MINQING_FIELD_PIN"`
	Lang string `help:"zh 或 en / zh or en" default:"zh" enum:"zh,en" env:"MINQING_LANG"`
}

type cli struct {
	options

	Enrol      enrolCmd      `cmd:"" help:"用登记码登记这台设备 / enrol this device with a one-time code"`
	Sync       syncCmd       `cmd:"" help:"同步 / sync"`
	Server     serverCmd     `cmd:"" help:"服务器换了地址 / the server has moved"`
	Serve      serveCmd      `cmd:"" help:"打开民情通的页面 / serve the pages of the field app to this machine"`
	Status     statusCmd     `cmd:"" help:"现在怎么样：多少没传、谁要处理 / how things stand"`
	Households householdsCmd `cmd:"" help:"联系的户 / the households assigned"`
	Visit      visitCmd      `cmd:"" help:"记一次走访 / record a visit"`
	Photo      photoCmd      `cmd:"" help:"给一次走访添照片 / add photos to a visit"`
	Photos     photosCmd     `cmd:"" help:"看照片传到哪里了，或取出一张 / how the photos stand, or take one out"`
	Matter     matterCmd     `cmd:"" help:"记一件事项 / record a matter"`
	Edit       editCmd       `cmd:"" help:"改一行 / correct a row"`
	Refused    refusedCmd    `cmd:"" help:"没通过的改动：看、改好再传、撤回 / refused changes: list, mend, withdraw"`
	SQL        sqlCmd        `cmd:"" name:"sql" help:"对数据文件执行 SQL，写入照样同步 / run SQL; what it writes syncs"`
	Carry      carryCmd      `cmd:"" help:"把别的设备导出的内容交上去，或收下回执 / hand in another device's export, or take a receipt"`
	Export     exportCmd     `cmd:"" name:"export-outbox" help:"没网时把未上传的写成文件，请人带走 / write the outbox to a file that anybody can carry"`
	Verify     verifyCmd     `cmd:"" help:"核对：摘要与服务器说的一致 / reckon the digests anew"`
	Version    versionCmd    `cmd:"" help:"版本 / the version"`
}

// app is what a command works with.
type app struct {
	options
	ctx context.Context
	out io.Writer
	in  io.Reader
}

// say prints a line in the language asked for.
func (a *app) say(zh, en string, args ...any) {
	text := zh
	if a.Lang == "en" {
		text = en
	}
	fmt.Fprintf(a.out, text+"\n", args...)
}

// label picks a label's language.
func (a *app) label(l schema.Label) string { return l.In(schema.Lang(a.Lang)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main with everything handed in; it gives the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	var c cli
	code, helped := 0, false
	p, err := kong.New(&c, kong.Name("minqing-field"), kong.Description("民情通：一台设备的数据与同步 / Minqing: one device, its replica and its sync"),
		kong.Writers(out, errOut), kong.Exit(func(n int) { code, helped = n, true }), kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		fmt.Fprintln(errOut, err)
		return 2
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := p.Parse(args)
	if helped {
		return code // nothing else was asked for
	}
	if err != nil {
		fmt.Fprintf(errOut, "命令没看懂：%v\n看看用法：%s --help\n", err, usageOf(err))
		return 2
	}
	a := &app{options: c.options, ctx: ctx, out: out, in: in}
	if err := k.Run(a); err != nil {
		fmt.Fprintln(errOut, a.explain(err))
		return 1
	}
	return 0
}

// usageOf is the command whose usage helps with words that were not understood.
func usageOf(err error) string {
	var pe *kong.ParseError
	if errors.As(err, &pe) && pe.Context != nil && pe.Context.Command() != "" {
		word, _, _ := strings.Cut(pe.Context.Command(), " ")
		return "minqing-field " + word
	}
	return "minqing-field"
}

// explain turns an error into what a person can act on: its sentence and its hint.
func (a *app) explain(err error) string {
	var e *syncproto.Error
	if !errors.As(err, &e) || e.Message == "" {
		return err.Error()
	}
	if e.Hint != "" {
		return schema.OneLine(e.Message) + "\n" + schema.OneLine(e.Hint)
	}
	return schema.OneLine(e.Message)
}

// open opens the replica; it must exist unless create is set.
func (a *app) open(create, plain bool) (*replica.Replica, error) {
	b, err := a.box(nil)
	if err == nil {
		_, err = phone.FinishWipe(a.File, b)
	}
	if err != nil {
		return nil, err
	}
	_, err = os.Stat(a.File)
	if err != nil && !create {
		return nil, &syncproto.Error{Code: syncproto.CodeNotFound, Op: "open " + a.File, Err: err,
			Message: syncproto.Both(fmt.Sprintf("没有数据文件 %s。", a.File), fmt.Sprintf("There is no data file %s.", a.File)), Hint: syncproto.Both("先用 enrol 登记这台设备。", "Enrol this device first.")}
	}
	key, err := a.key(err != nil, plain)
	if err != nil {
		return nil, err
	}
	return replica.Open(a.ctx, replica.Options{Path: a.File, Key: key, Book: schema.Minqing(), Now: nowMS, Rand: rand.Reader,
		Indexes: field.Indexes, Search: field.Search()})
}

// with runs f over the open replica.
func (a *app) with(f func(r *replica.Replica) error) error {
	r, err := a.open(false, false)
	if err != nil {
		return err
	}
	return errors.Join(f(r), r.Close())
}

func nowMS() int64 { return time.Now().UnixMilli() }

// client is what this program calls itself towards the server.
func client() string { return "minqing-field " + version }

type versionCmd struct{}

func (versionCmd) Run(a *app) error {
	_, err := fmt.Fprintf(a.out, "%s schema %d protocol %d\n", client(), schema.Version, syncproto.ProtocolVersion)
	return err
}
