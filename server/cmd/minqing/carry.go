package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"minqing/syncproto"
	"minqing/syncproto/courier"
)

type carryCmd struct {
	File    string `arg:"" type:"path" help:"手机导出的文件（minqing-field export-outbox）。 The file that a phone exported."`
	Receipt string `type:"path" placeholder:"FILE" help:"回执写到哪里，默认原名加 .receipt。 Where to write the receipt; default: the name and .receipt."`
}

// Run hands in what a phone without a network exported, and writes the receipt for it.
func (c *carryCmd) Run(r *room) error {
	file, err := readBundle(c.File)
	if err != nil {
		return err
	}
	receipt, err := r.engine.Courier.HandIn(r.ctx, file, false)
	if err != nil {
		return err
	}
	if c.Receipt == "" {
		c.Receipt = c.File + ".receipt"
	}
	if err := writeFile(c.Receipt, func(f *os.File) error {
		_, err := f.Write(receipt)
		return err
	}); err != nil {
		return err
	}
	r.say(fmt.Sprintf("已收下。回执在 %s，带回那台手机，用 minqing-field carry 打开；再交一次也不会重复。", c.Receipt),
		"Taken; bring the receipt back to the phone and open it there with minqing-field carry. Handing the file in again does no harm.")
	return nil
}

// readBundle reads no more of a file than a bundle can have.
func readBundle(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &syncproto.Error{Code: syncproto.CodeNotFound, Op: "carry", Message: syncproto.Both("打不开文件 "+path+"。", "The file cannot be opened."), Hint: fileHint(err), Err: err}
	}
	file, err := io.ReadAll(io.LimitReader(f, courier.MaxFile+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "carry", Message: syncproto.Both("读不出文件 "+path+"。", "The file cannot be read."), Hint: fileHint(err), Err: err}
	}
	if len(file) > courier.MaxFile {
		return nil, &syncproto.Error{Code: syncproto.CodeTooLarge, Op: "carry", Message: syncproto.Both("文件 "+path+" 太大，不是手机导出的文件。", "The file is larger than any that a phone exports."), Hint: syncproto.Both("请核对文件。", "Check the file.")}
	}
	return file, nil
}
