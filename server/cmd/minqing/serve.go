package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"minqing/server/control"
	"minqing/server/engine"
	"minqing/syncproto"
)

type serveCmd struct {
	Listen string `default:"127.0.0.1:8470" placeholder:"HOST:PORT" help:"在哪个地址上服务；端口 0 表示任选一个。 Where to serve; port 0 takes any."`
	App    string `type:"existingdir" placeholder:"DIR" help:"手机安装包所在的文件夹（./task android 写出的两个文件），已登记的手机会看到新版。 The folder of the package for phones; enrolled ones are offered it."`
	consoleFlags
}

// Run serves until it is interrupted. Commands given meanwhile go through it.
func (s *serveCmd) Run(r *room) (err error) {
	if err := mustExist(r.cli); err != nil {
		return err
	}
	if running, _ := control.Hand(r.ctx, r.cli.Data, control.Request{Args: []string{"version"}}, io.Discard); running {
		return &syncproto.Error{Code: syncproto.CodeBusy, Op: "serve", Message: syncproto.Both("这个数据文件夹上已经有一个服务在运行："+r.cli.Data+"。", "A server is running on this data folder already."),
			Hint: syncproto.Both("先停掉它，或者换一个 --data 文件夹（同一个 PostgreSQL 上的第二个服务，要有第一个的 secret.key）。", "Stop it first, or use another --data folder; a second server on one PostgreSQL needs the first one's secret.key there.")}
	}
	log := slog.New(slog.NewTextHandler(r.errOut, nil))
	l, err := listen(r.ctx, s.Listen)
	if err != nil {
		return err
	}
	l, base, err := s.secure(l)
	if err != nil {
		return err
	}
	cfg := config(r.cli, log)
	cfg.Serve, cfg.App = true, s.App
	e, err := engine.Open(r.ctx, cfg)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	if err := s.mount(r.ctx, e, base, log); err != nil {
		return errors.Join(err, l.Close())
	}
	log.Info("serving", "address", l.Addr().String(), "version", version, "postgres", e.Store.Postgres())
	r.say("民情通服务已启动 "+base, "")
	err = serveBoth(r, e, l)
	log.Info("stopped")
	return err
}

// serveBoth serves devices and commands; when one of the two ends, so does the other.
func serveBoth(r *room, e *engine.Engine, l net.Listener) error {
	ctx, stop := context.WithCancel(r.ctx)
	defer stop()
	var both sync.WaitGroup
	var commandErr error
	both.Go(func() {
		defer stop()
		commandErr = control.Serve(ctx, r.cli.Data, func(ctx context.Context, q control.Request, out io.Writer) error {
			return answer(ctx, r.cli, e, q, out)
		})
	})
	serveErr := e.Run(ctx, l)
	stop()
	both.Wait()
	return errors.Join(serveErr, commandErr)
}

// spoken is an error already put into words.
type spoken string

func (s spoken) Error() string { return string(s) }

// answer does a command that was handed over.
func answer(ctx context.Context, serving *cli, e *engine.Engine, q control.Request, out io.Writer) error {
	var c cli
	k, err := parse(&c, q.Args, out, out)
	if err != nil || k == nil {
		return toWords(err)
	}
	if c.DB != serving.DB && !standsAlone(k.Command()) {
		return toWords(&syncproto.Error{Code: syncproto.CodeInvalid, Op: "answer", Message: syncproto.Both("正在运行的服务用的是另一个数据库。", "The server running on this folder works on another database."),
			Hint: syncproto.Both("用同样的 --db，或者换一个 --data 文件夹。", "Give the same --db, or another --data folder.")})
	}
	return toWords(k.Run(&room{ctx: ctx, cli: &c, out: out, errOut: out, engine: e}))
}

func toWords(err error) error {
	if err == nil {
		return nil
	}
	return spoken(human(err))
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err == nil {
		return l, nil
	}
	_, port, split := net.SplitHostPort(address)
	if split != nil {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "listen", Message: syncproto.Both("--listen 要写成 127.0.0.1:8470 这样，现在是“"+address+"”。", "--listen is an address and a port."),
			Hint: syncproto.Both("只写地址和端口。", "Give an address and a port."), Err: err}
	}
	const windowsInUse = syscall.Errno(10048)
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, windowsInUse) && runtime.GOOS == "windows" {
		return nil, &syncproto.Error{Code: syncproto.CodeUnavailable, Op: "listen", Message: syncproto.Both(fmt.Sprintf("端口 %s 已被别的程序占用。", port), fmt.Sprintf("Port %s is in use by another program.", port)),
			Hint: syncproto.Both("停掉那个程序，或者用 --listen "+strings.TrimSuffix(address, port)+"0 任选一个空闲端口。", "Stop it, or choose another port with --listen.")}
	}
	return nil, &syncproto.Error{Code: syncproto.CodeUnavailable, Op: "listen", Message: syncproto.Both(fmt.Sprintf("不能在 %s 上服务（端口 %s）。", address, port), "Cannot listen there."),
		Hint: syncproto.Both("核对地址；1024 以下的端口要有权限。", "Check the address; ports below 1024 need a right."), Err: err}
}

type versionCmd struct{}

// Run prints what this program is.
func (versionCmd) Run(r *room) error {
	_, err := fmt.Fprintf(r.out, "minqing %s (schema %d, protocol %d, %s %s/%s)\n", version, config(r.cli, nil).Book.Version, syncproto.ProtocolVersion,
		runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
