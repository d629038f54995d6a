package main

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"filippo.io/age"

	"minqing/server/admin"
	"minqing/syncproto"
)

type backupCmd struct {
	Out            string `arg:"" type:"path" help:"备份文件。 The backup file."`
	PassphraseFile string `type:"path" placeholder:"FILE" help:"口令在这个文件的第一行；不写就新出一个口令并印出来。 The passphrase is the first line of this file; left out, one is made and printed."`
	Recipient      string `placeholder:"age1…" help:"加密给这个 age 公钥，用于定时备份。 Encrypt to this age public key, for scheduled backups."`
}

// Run writes a backup.
func (c *backupCmd) Run(r *room) error {
	to, made, err := c.recipient()
	if err != nil {
		return err
	}
	var at time.Time
	if err := writeFile(c.Out, func(f *os.File) (err error) {
		at, err = r.desk().Backup(r.ctx, f, to)
		return err
	}); err != nil {
		return err
	}
	if err := r.desk().BackedUp(r.ctx, at); err != nil {
		return err
	}
	r.say(fmt.Sprintf("已备份到 %s（%s 的全部数据和密钥，已加密）。", c.Out, at.Format(time.DateTime)), "Backed up whole, secret included, encrypted.")
	if made != "" {
		r.say("恢复口令（只显示这一次，请抄下来另外保管）："+made, "Passphrase, shown only once; keep it elsewhere.")
	}
	r.say("恢复：minqing restore "+c.Out+" --data 新文件夹", "Restore with minqing restore.")
	return nil
}

// recipient is to whom the backup is encrypted; made is the passphrase if one was made.
func (c *backupCmd) recipient() (to age.Recipient, made string, err error) {
	switch {
	case c.Recipient != "" && c.PassphraseFile != "":
		return nil, "", &syncproto.Error{Code: syncproto.CodeInvalid, Op: "backup", Message: syncproto.Both("--recipient 和 --passphrase-file 只能写一个。", "Give one of the two, not both."), Hint: syncproto.Both("去掉一个。", "Leave one out.")}
	case c.Recipient != "":
		if to, err = age.ParseX25519Recipient(c.Recipient); err != nil {
			return nil, "", &syncproto.Error{Code: syncproto.CodeInvalid, Op: "backup", Message: syncproto.Both("--recipient 不是 age 公钥。", "This is no age public key."), Hint: syncproto.Both("它以 age1 开头，由 age-keygen 生成。", "It begins with age1."), Err: err}
		}
		return to, "", nil
	case c.PassphraseFile != "":
		pass, err := firstLine(c.PassphraseFile)
		if err != nil {
			return nil, "", err
		}
		to, err = age.NewScryptRecipient(pass)
		return to, "", err
	}
	var raw [15]byte // 120 bits
	if _, err := rand.Read(raw[:]); err != nil {
		return nil, "", err
	}
	s := strings.ToLower(base32.StdEncoding.EncodeToString(raw[:]))
	var groups []string
	for i := 0; i < len(s); i += 4 {
		groups = append(groups, s[i:i+4])
	}
	made = strings.Join(groups, "-")
	to, err = age.NewScryptRecipient(made)
	return to, made, err
}

func firstLine(path string) (string, error) {
	text, err := os.ReadFile(path)
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSpace(line); err != nil || line == "" {
		return "", &syncproto.Error{Code: syncproto.CodeInvalid, Op: "passphrase", Message: syncproto.Both("口令文件 "+path+" 读不出口令。", "The passphrase file holds none."), Hint: syncproto.Both("口令写在第一行。", "Write it on the first line."), Err: err}
	}
	return line, nil
}

type restoreCmd struct {
	File           string `arg:"" type:"path" help:"备份文件。 The backup file."`
	Passphrase     string `help:"备份时印出的口令（也可以用 --passphrase-file）。 The passphrase printed with the backup."`
	PassphraseFile string `type:"path" placeholder:"FILE" help:"口令在这个文件的第一行。 The passphrase is the first line of this file."`
	Identity       string `type:"path" placeholder:"FILE" help:"age 私钥文件。 File of the age private key."`
}

// Run makes the server of a backup in an empty folder.
func (c *restoreCmd) Run(r *room) error {
	ids, err := c.identities()
	if err != nil {
		return err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return &syncproto.Error{Code: syncproto.CodeNotFound, Op: "restore", Message: syncproto.Both("打不开文件 "+c.File+"。", "The file cannot be opened."), Hint: fileHint(err), Err: err}
	}
	defer f.Close() // reading is over: nothing is lost by its error
	if err := admin.Restore(r.ctx, config(r.cli, nil), f, ids...); err != nil {
		return err
	}
	r.say("已恢复到 "+r.cli.Data+"。启动服务后，手机会自己补交备份之后的内容。", "Restored; once it serves, devices offer again what came after the backup.")
	r.say("大家都同步过以后，用 minqing lost 看还有什么没回来。", "When all have synced, minqing lost tells what has not come back.")
	return nil
}

func (c *restoreCmd) identities() ([]age.Identity, error) {
	if c.Identity != "" {
		f, err := os.Open(c.Identity)
		if err != nil {
			return nil, &syncproto.Error{Code: syncproto.CodeNotFound, Op: "restore", Message: syncproto.Both("打不开密钥文件 "+c.Identity+"。", "The key file cannot be opened."), Hint: fileHint(err), Err: err}
		}
		ids, err := age.ParseIdentities(f)
		return ids, errors.Join(err, f.Close())
	}
	pass := c.Passphrase
	if c.PassphraseFile != "" {
		var err error
		if pass, err = firstLine(c.PassphraseFile); err != nil {
			return nil, err
		}
	}
	if pass == "" {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "restore", Message: syncproto.Both("没有写口令。", "No passphrase is given."), Hint: syncproto.Both("用 --passphrase、--passphrase-file 或 --identity。", "Use --passphrase, --passphrase-file or --identity.")}
	}
	id, err := age.NewScryptIdentity(pass)
	return []age.Identity{id}, err
}
