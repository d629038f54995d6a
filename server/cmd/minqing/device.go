package main

import (
	"fmt"
	"strings"
	"time"

	"minqing/server/admin"
	"minqing/syncproto"
)

type deviceCmd struct {
	Invite  deviceInviteCmd  `cmd:"" help:"给一个用户出登记码。 Make an enrolment code."`
	List    deviceListCmd    `cmd:"" help:"列出设备。 List devices."`
	Revoke  deviceRevokeCmd  `cmd:"" help:"停用一台设备。 Revoke a device."`
	Digests deviceDigestsCmd `cmd:"" help:"一个用户的手机应有内容的摘要，逐桶一行。 Digests of what a user's devices should hold."`
}

type deviceInviteCmd struct {
	User   string `required:"" help:"登录名。 Login."`
	Plain  bool   `help:"只印登记码。 Print the code alone."`
	Server string `placeholder:"URL" help:"手机用的服务器地址；写了就连同登记链接一起印。 The server's address, for the enrolment link."`
}

// Run makes an enrolment code.
func (c *deviceInviteCmd) Run(r *room) error {
	code, until, err := r.desk().Invite(r.ctx, c.User)
	if err != nil {
		return err
	}
	if c.Plain {
		_, err := fmt.Fprintln(r.out, code)
		return err
	}
	r.say("登记码："+code, "Enrolment code.")
	if c.Server != "" {
		r.say("登记链接（可做成二维码）："+syncproto.EnrolLink(strings.TrimRight(c.Server, "/"), code), "Enrolment link.")
	}
	r.say("只能用一次，"+until.Format("15:04")+" 前有效。", "Good for one use, for ten minutes.")
	return nil
}

type deviceListCmd struct {
	User string `help:"只列一个用户的。 Only those of a user."`
}

// Run lists devices.
func (c *deviceListCmd) Run(r *room) error {
	list, err := r.desk().Devices(r.ctx, c.User)
	if err != nil {
		return err
	}
	for _, d := range list {
		if _, err := fmt.Fprintln(r.out, deviceLine(d)); err != nil {
			return err
		}
	}
	r.say(fmt.Sprintf("共 %d 台设备。", len(list)), fmt.Sprintf("%d devices.", len(list)))
	return nil
}

func deviceLine(d admin.Device) string {
	parts := []string{string(d.ID), d.Login, d.Name}
	for _, s := range []string{d.Label, d.Platform, d.Client} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if !d.LastContact.IsZero() {
		parts = append(parts, "最近联系 "+d.LastContact.Format(time.DateTime))
	}
	if d.Waiting > 0 {
		parts = append(parts, fmt.Sprintf("手机里还有 %d 条没传", d.Waiting))
	}
	if !d.Revoked.IsZero() {
		parts = append(parts, "停用于 "+d.Revoked.Format(time.DateTime))
	}
	return strings.Join(parts, "  ")
}

type deviceRevokeCmd struct {
	ID string `arg:"" help:"设备编号，写开头几位也行。 The device's id, or its beginning."`
}

// Run revokes a device.
func (c *deviceRevokeCmd) Run(r *room) error {
	id, err := r.desk().Revoke(r.ctx, c.ID)
	if err != nil {
		return err
	}
	r.say("已停用设备 "+string(id)+"；它下次联网时先交出没传的，再清空。", "Revoked; at its next contact it hands over what is unsent, then wipes itself.")
	return nil
}

type deviceDigestsCmd struct {
	User string `required:"" help:"登录名。 Login."`
}

// Run prints a line for each bucket, as minqing-field verify --digests does.
func (c *deviceDigestsCmd) Run(r *room) error {
	states, err := r.desk().Digests(r.ctx, c.User)
	if err != nil {
		return err
	}
	for _, s := range states {
		if _, err := fmt.Fprintln(r.out, admin.DigestLine(s)); err != nil {
			return err
		}
	}
	return nil
}
