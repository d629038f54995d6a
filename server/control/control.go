// Package control lets administration commands go through a running `minqing serve`: one process at a time opens an SQLite
// store, so a command that finds a server at work hands its words over a local socket and prints what comes back. The socket
// lies in the data folder; who may open the folder may give commands.
package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"minqing/syncproto"
)

const socketName = "control.sock"

// Request is what a command hands over: its words as typed, with paths made absolute.
type Request struct{ Args []string }

// Runner runs a command inside the server and writes what it prints to out; its error is shown to the one who asked.
type Runner func(ctx context.Context, r Request, out io.Writer) error

// A reply is a sequence of JSON lines: {"out": …} as the command prints, then {"end": …} with the error or "".
type reply struct {
	Out []byte  `json:"out,omitempty"`
	End *string `json:"end,omitempty"`
}

// mostRequest bounds the words of one command.
const mostRequest = 1 << 20

// Serve answers commands until ctx ends. A socket left by a server that died is replaced; one that answers is not.
func Serve(ctx context.Context, dir string, run Runner) error {
	path := filepath.Join(dir, socketName)
	var d net.Dialer
	if c, err := d.DialContext(ctx, "unix", path); err == nil {
		return errors.Join(&syncproto.Error{Code: syncproto.CodeConflict, Op: "control " + dir,
			Message: syncproto.Both(fmt.Sprintf("文件夹 %s 已经有一个服务在用。", dir), fmt.Sprintf("A server is running on %s already.", dir)),
			Hint:    syncproto.Both("先停下它，或者用 --data 换一个文件夹。", "Stop it first, or use another --data folder.")}, c.Close())
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return noChannel(dir, err)
	}
	var open net.ListenConfig
	l, err := open.Listen(ctx, "unix", path)
	if err != nil {
		return noChannel(dir, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(noChannel(dir, err), l.Close())
	}
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var busy sync.WaitGroup
	defer busy.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return noChannel(dir, err)
		}
		busy.Go(func() { answer(ctx, c, run) })
	}
}

// answer runs one command. A caller that went away ends nothing: what the command does is done.
func answer(ctx context.Context, c net.Conn, run Runner) {
	defer c.Close()
	out := json.NewEncoder(c)
	r, err := readRequest(c)
	if err == nil {
		err = run(ctx, r, writerFunc(func(p []byte) (int, error) { return len(p), out.Encode(reply{Out: p}) }))
	}
	end := ""
	if err != nil {
		end = err.Error()
	}
	if err := out.Encode(reply{End: &end}); err != nil {
		return // nobody listens any more
	}
}

// readRequest reads the words of one command, of at most mostRequest bytes.
func readRequest(in io.Reader) (r Request, err error) {
	line, err := bufio.NewReader(io.LimitReader(in, mostRequest)).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &r)
	}
	if err != nil {
		return Request{}, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "control", Err: err, Message: syncproto.Both("看不懂交来的命令。", "The command that was handed over cannot be read."),
			Hint: syncproto.Both("命令和服务要用同一个版本的程序。", "Command and server must be of one version.")}
	}
	return r, nil
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// Hand gives a command to the server of a data folder; ok is false when none is running.
func Hand(ctx context.Context, dir string, r Request, out io.Writer) (ok bool, err error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", filepath.Join(dir, socketName))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return false, nil
	}
	if err != nil {
		return false, noChannel(dir, err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if err := json.NewEncoder(c).Encode(r); err != nil {
		return true, broken(err)
	}
	in := json.NewDecoder(c)
	for {
		var a reply
		if err := in.Decode(&a); err != nil {
			return true, broken(err)
		}
		if a.End != nil {
			if *a.End != "" {
				return true, errors.New(*a.End)
			}
			return true, nil
		}
		if _, err := out.Write(a.Out); err != nil {
			return true, err
		}
	}
}

// noChannel is the error of a socket that cannot be made or reached.
func noChannel(dir string, err error) error {
	return &syncproto.Error{Code: syncproto.CodeUnavailable, Op: "control " + dir, Err: err,
		Message: syncproto.Both("数据文件夹 "+dir+" 里和服务说话的通道打不开。", "The socket of the data folder, over which commands reach the server, cannot be used."),
		Hint:    syncproto.Both("请核对文件夹的权限；路径也不能超过约 90 个字节。", "Check the folder's permissions, and that its path has at most some 90 bytes.")}
}

// broken is the error of a server that went away amid a command.
func broken(err error) error {
	return &syncproto.Error{Code: syncproto.CodeUnavailable, Op: "control", Err: err,
		Message: syncproto.Both("服务在命令做完之前停了。", "The server went away before the command ended."),
		Hint:    syncproto.Both("先看看做到了哪里，再决定要不要重来。", "Look at its state before trying again.")}
}
