// Command minqing is the server of Minqing 民情通 and everything an administrator does on it from the command line.
//
// It promises that a command does the same whether a server is running on the data folder (then the server does it) or not (then the
// command opens the database itself), that what it prints can be read by somebody who has never seen it, and that it ends with 0
// only when what was asked was done.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/control"
	"minqing/server/engine"
	"minqing/syncproto"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, human(err))
		os.Exit(1)
	}
}

// room is where one command runs.
type room struct {
	ctx    context.Context
	cli    *cli
	out    io.Writer
	errOut io.Writer
	engine *engine.Engine // open, unless the command opens nothing
}

// desk is the room's administration desk.
func (r *room) desk() *admin.Desk { return &admin.Desk{E: r.engine, As: r.cli.As} }

// say prints a sentence in the language asked for, Chinese first.
func (r *room) say(zh, en string) {
	switch {
	case r.cli.Lang == "zh" || en == "":
		fmt.Fprintln(r.out, zh)
	case r.cli.Lang == "en" || zh == "":
		fmt.Fprintln(r.out, en)
	default:
		fmt.Fprintln(r.out, zh+" "+en)
	}
}

// run reads the words of a command and does it.
func run(ctx context.Context, args []string, out, errOut io.Writer) error {
	var c cli
	k, err := parse(&c, args, out, errOut)
	if err != nil || k == nil {
		return err
	}
	r := &room{ctx: ctx, cli: &c, out: out, errOut: errOut}
	if standsAlone(k.Command()) {
		return k.Run(r)
	}
	done, err := control.Hand(ctx, c.Data, control.Request{Args: words(k, &c)}, out)
	if done || err != nil {
		return err
	}
	return r.open(k)
}

// open does the command on a database that no server has open.
func (r *room) open(k *kong.Context) (err error) {
	if k.Command() != "init" {
		if err := mustExist(r.cli); err != nil {
			return err
		}
	}
	r.engine, err = engine.Open(r.ctx, config(r.cli, nil))
	if codeOf(err) == syncproto.CodeBusy { // perhaps a server has started just now
		if done, err := control.Hand(r.ctx, r.cli.Data, control.Request{Args: words(k, r.cli)}, r.out); done {
			return err
		}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.engine.Close()) }()
	return k.Run(r)
}

// mustExist keeps a mistyped --data from making an empty database.
func mustExist(c *cli) error {
	if c.DB != "" {
		return nil
	}
	if _, err := os.Stat(databasePath(c)); err != nil {
		return &syncproto.Error{Code: syncproto.CodeNotFound, Op: "open " + c.Data, Message: syncproto.Both("这个文件夹里还没有民情通的数据："+c.Data+"。", "There is no database of Minqing in this folder."),
			Hint: syncproto.Both("先运行 minqing init，或者用 --data 写对文件夹。", "Run minqing init first, or name the right folder with --data.")}
	}
	return nil
}

// human is what a person is told of an error: what is wrong, what to do.
func human(err error) string {
	var e *syncproto.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	text := schema.OneLine(e.Message)
	if text == "" {
		text = string(e.Code)
	}
	if e.Hint != "" {
		text += "\n" + schema.OneLine(e.Hint)
	}
	if e.Err != nil && (e.Code == syncproto.CodeInternal || e.Code == syncproto.CodeUnavailable) {
		text += "\n(" + e.Err.Error() + ")" // whoever runs the server may read what the database said
	}
	return text
}

func codeOf(err error) syncproto.Code {
	var e *syncproto.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
