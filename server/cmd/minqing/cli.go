package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"minqing/schema"
	"minqing/server/engine"
	"minqing/syncproto"
)

// cli is the grammar of the command line.
type cli struct {
	Data  string `default:"minqing-data" type:"path" placeholder:"DIR" help:"数据文件夹。 The data folder."`
	DB    string `name:"db" env:"MINQING_DB" placeholder:"postgres://…" help:"用 PostgreSQL 代替文件夹里的 SQLite。 PostgreSQL instead of the folder's SQLite."`
	Files string `env:"MINQING_FILES" placeholder:"DIR" help:"照片等附件放在哪里，默认在数据文件夹里；几个服务进程合用一个数据库时写共用的文件夹或 s3://桶?endpoint=…。 Where photos lie; several processes need a shared folder or an S3-compatible store."`
	Lang  string `enum:"both,zh,en" default:"both" help:"输出的语言：both、zh、en。 Language of the output."`
	As    string `placeholder:"LOGIN" help:"以谁的名义做，默认是建城的管理员。 In whose name; default the founding administrator."`

	Init    initCmd    `cmd:"" help:"建立城市和第一个管理员。 Found a city and its first administrator."`
	Serve   serveCmd   `cmd:"" help:"启动服务。 Serve."`
	Place   placeCmd   `cmd:"" help:"建乡镇、村、小组等。 Make a township, village, group…"`
	Import  importCmd  `cmd:"" help:"导入花名册、地方、人员、分派（.xlsx 或 CSV）。 Import a register or a list."`
	User    userCmd    `cmd:"" help:"用户。 Users."`
	Assign  assignCmd  `cmd:"" help:"安排谁联系哪些户。 Assign households to a contact."`
	Quota   quotaCmd   `cmd:"" help:"一支队伍每月走访几次。 How often a team visits."`
	Card    cardCmd    `cmd:"" help:"民情联系卡。 Contact cards."`
	Device  deviceCmd  `cmd:"" help:"手机等设备。 Phones and other devices."`
	Inbox   inboxCmd   `cmd:"" help:"等人定的事。 What a human must decide."`
	Refused refusedCmd `cmd:"" help:"没有生效的改动。 Changes that did not take effect."`
	History historyCmd `cmd:"" help:"一条记录的全部改动。 All that became of a row."`
	Verify  verifyCmd  `cmd:"" help:"验证历史没有被动过。 Prove that nothing was altered."`
	Export  exportCmd  `cmd:"" help:"导出花名册或一张表。 Export the register or a table."`
	Stats   statsCmd   `cmd:"" help:"数一数。 Count."`
	Backup  backupCmd  `cmd:"" help:"备份（加密）。 Back up, encrypted."`
	Carry   carryCmd   `cmd:"" help:"收下手机导出、由人带来的内容。 Take in what a phone exported and somebody carried."`
	Restore restoreCmd `cmd:"" help:"从备份恢复到空文件夹。 Restore a backup into an empty folder."`
	Lost    lostCmd    `cmd:"" help:"恢复备份以后还没回来的。 What has not come back after a restore."`
	Erase   eraseCmd   `cmd:"" help:"依法抹除。 Lawful erasure."`
	Version versionCmd `cmd:"" help:"版本。 The version."`
}

// standsAlone tells the commands that need no open database, or open it in a way of their own.
func standsAlone(command string) bool {
	switch strings.Fields(command)[0] {
	case "serve", "version", "restore":
		return true
	}
	return false
}

// parse reads words; the context is nil when they only asked for help.
func parse(c *cli, args []string, out, errOut io.Writer) (*kong.Context, error) {
	helped := false
	p, err := kong.New(c, kong.Name("minqing"), kong.Description("民情通：直包到户的登记、走访和同步。\nMinqing: registers, visits and replicas that work without a network."),
		kong.Writers(out, errOut), kong.Exit(func(int) { helped = true }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		return nil, err
	}
	k, err := p.Parse(args)
	if helped {
		return nil, nil
	}
	if err != nil {
		hint := "minqing --help"
		var pe *kong.ParseError
		if errors.As(err, &pe) && pe.Context != nil && pe.Context.Command() != "" {
			hint = "minqing " + strings.Fields(pe.Context.Command())[0] + " --help"
		}
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "parse", Message: syncproto.Both("命令没看懂。", "The command was not understood: "+err.Error()+"."), Hint: syncproto.Both("看看用法："+hint+"。", "See: "+hint+".")}
	}
	return k, nil
}

// words are the words of a parsed command as a server on the same machine is to read them: paths absolute, the database named.
func words(k *kong.Context, c *cli) []string {
	flags := []string{"--data=" + c.Data, "--db=" + c.DB}
	var commands, rest []string
	seen := map[*kong.Flag]bool{}
	for _, p := range k.Path {
		switch {
		case p.Command != nil:
			commands = append(commands, p.Command.Name)
		case p.Flag != nil && !seen[p.Flag] && p.Flag.Name != "data" && p.Flag.Name != "db":
			seen[p.Flag] = true
			for _, text := range texts(p.Flag.Target) {
				flags = append(flags, "--"+p.Flag.Name+"="+text)
			}
		case p.Positional != nil:
			rest = append(rest, texts(p.Positional.Target)...)
		}
	}
	return append(append(append(commands, flags...), "--"), rest...)
}

// texts are the values of a flag or argument, one for each time that it is to be given.
func texts(v reflect.Value) []string {
	var out []string
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			out = append(out, fmt.Sprint(v.Index(i).Interface()))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			out = append(out, fmt.Sprint(key.Interface())+"="+fmt.Sprint(v.MapIndex(key).Interface()))
		}
	default:
		out = append(out, fmt.Sprint(v.Interface()))
	}
	return out
}

// config is the engine that the command line asks for.
func config(c *cli, log *slog.Logger) engine.Config {
	return engine.Config{Dir: c.Data, DSN: c.DB, Files: c.Files, Book: schema.Minqing(), Now: func() int64 { return time.Now().UnixMilli() }, Rand: rand.Reader, Log: log,
		Version: version}
}

func databasePath(c *cli) string { return filepath.Join(c.Data, engine.DatabaseName) }

// version is that of the program; releases set it with -ldflags.
var version = "0.1.0-dev"
