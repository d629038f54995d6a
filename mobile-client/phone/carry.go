package phone

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"minqing/mobile-client/syncer"
	"minqing/syncproto"
	"minqing/syncproto/courier"
)

// Carry takes a file that somebody handed over: a receipt for this phone, or another's bundle, which goes to the server; the receipt for
// that one lies beside the data file afterwards.
func (p *Phone) Carry(ctx context.Context, path string) error {
	r, state, release, err := p.Hold(ctx)
	defer release()
	if err != nil {
		return err
	}
	if state != Ready {
		return &syncproto.Error{Code: syncproto.CodeAuth, Op: "carry", Message: "先用口令打开。 Open it with the PIN first.", Hint: "打开后再交一次。 Hand it in again then."}
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > courier.MaxFile {
		return &syncproto.Error{Code: syncproto.CodeTooLarge, Op: fmt.Sprintf("carry %d bytes", info.Size()), Message: "这个文件太大，不是民情通导出的。 The file is too large to be an export of Minqing.", Hint: "请对方重新导出。 Ask for another export."}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	s := syncer.New(syncer.Options{Replica: r, Transport: p.opt.Transport, Rand: p.opt.Rand, Client: p.opt.Client})
	if bytes.HasPrefix(raw, []byte("minqing receipt ")) {
		_, err = s.Receipt(ctx, bytes.NewReader(raw))
		return err
	}
	receipt, err := s.Carry(ctx, raw)
	if err != nil || len(receipt) == 0 {
		return err
	}
	return os.WriteFile(p.opt.File+".receipt", receipt, 0o600)
}
