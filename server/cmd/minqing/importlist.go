package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"

	"minqing/internal/sheet"
	"minqing/server/admin"
	"minqing/server/console/account"
	"minqing/server/console/assign"
	"minqing/server/register"
	"minqing/syncproto"
)

// users imports a list of users, with the code that the console imports it by, and writes the links by which they first sign in.
func (c *importCmd) users(r *room, lines register.Lines, in io.ReaderAt, size int64) error {
	by, place, id, wrote, err := c.begin(r, c.Place)
	if err != nil {
		return err
	}
	rep, out, err := admin.UserList{Lines: lines, E: r.engine, By: by, Place: place, Preview: c.Preview, Wrote: wrote}.Run(r.ctx, c.File, in, size)
	if rep == nil {
		return err
	}
	r.tellUnread(rep)
	did, would := c.previewed()
	r.say(fmt.Sprintf("读了 %d 行：新账号 %d 个，新角色 %d 个，补上电话或职务 %d 人。%s", rep.Rows, out.NewUsers, out.NewRoles, out.Filled, did),
		fmt.Sprintf("%d rows read: %d new accounts, %d new roles, %d filled in.%s", rep.Rows, out.NewUsers, out.NewRoles, out.Filled, would))
	c.tellBad(r, rep)
	if err = errors.Join(err, c.recorded(r, place, id, rep, out)); err != nil || c.Links == "" || c.Preview {
		return err
	}
	return c.links(r, by, out.Users)
}

// places imports a list of places, as users does.
func (c *importCmd) places(r *room, lines register.Lines, in io.ReaderAt, size int64) error {
	by, place, id, wrote, err := c.begin(r, c.Place)
	if err != nil {
		return err
	}
	rep, err := admin.PlaceList{Lines: lines, E: r.engine, By: by, Place: place, Preview: c.Preview, Wrote: wrote}.Run(r.ctx, c.File, in, size)
	if rep == nil {
		return err
	}
	r.tellUnread(rep)
	did, would := c.previewed()
	r.say(fmt.Sprintf("读了 %d 行：新建 %d 个地方，补上代码 %d 个。%s", rep.Rows, rep.NewPlaces, rep.ChangedPlaces, did),
		fmt.Sprintf("%d rows read: %d new places, %d codes filled in.%s", rep.Rows, rep.NewPlaces, rep.ChangedPlaces, would))
	c.tellBad(r, rep)
	return errors.Join(err, c.recorded(r, place, id, rep, nil))
}

// table imports rows of any table that has no import of its own, as users does.
func (c *importCmd) table(r *room, lines register.Lines, in io.ReaderAt, size int64) error {
	by, place, id, wrote, err := c.begin(r, c.Place)
	if err != nil {
		return err
	}
	rep, err := r.desk().ImportTable(r.ctx, c.Table, c.Place, c.File, in, size, register.TableList{Lines: lines, User: by, Preview: c.Preview, Wrote: wrote})
	if rep == nil {
		return err
	}
	r.tellUnread(rep)
	did, would := c.previewed()
	r.say(fmt.Sprintf("读了 %d 行：新建 %d 条，更改 %d 条。%s", rep.Rows, rep.NewRows, rep.ChangedRows, did),
		fmt.Sprintf("%d rows read: %d made, %d changed.%s", rep.Rows, rep.NewRows, rep.ChangedRows, would))
	if rep.Conflicts > 0 {
		r.say(fmt.Sprintf("有 %d 条和别人写的不一致，等管理员定：minqing inbox list。", rep.Conflicts), "Some met what others wrote; see minqing inbox list.")
	}
	c.tellBad(r, rep)
	return errors.Join(err, c.recorded(r, place, id, rep, nil))
}

func (c *importCmd) previewed() (zh, en string) {
	if c.Preview {
		return "（预览，什么也没写）", " (preview, nothing was written)"
	}
	return "", ""
}

// links writes the workbook of first sign-in links.
func (c *importCmd) links(r *room, by syncproto.UserID, users []syncproto.UserID) (err error) {
	accounts, err := account.New(r.engine.Store, r.engine.Keys, r.engine.Zone, rand.Reader)
	if err != nil {
		return err
	}
	links, err := r.desk().FirstLinks(r.ctx, accounts, by, users)
	if err != nil {
		return err
	}
	base, err := r.address()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.Links, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "import: links", Message: syncproto.Both("不能写到 "+c.Links+"。", "Cannot write to "+c.Links+"."), Hint: fileHint(err), Err: err}
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	var columns []sheet.Column
	for _, t := range []string{"姓名", "登录名", "职务", "角色", "登录链接（只能用一次）", "有效到"} {
		columns = append(columns, sheet.Column{Title: t})
	}
	w, err := sheet.NewWriter(f, sheet.XLSX, "首次登录", columns...)
	if err != nil {
		return err
	}
	for _, l := range links {
		if err := w.Row(l.Name, l.Login, l.Post, l.Roles, base+"/link/"+l.Code, l.Until.Format("2006-01-02 15:04")); err != nil {
			return err
		}
	}
	r.say(fmt.Sprintf("%d 个首次登录链接写到了 %s，请当面交给本人。", len(links), c.Links), fmt.Sprintf("%d first sign-in links are in %s; hand them over in person.", len(links), c.Links))
	return w.Close()
}

// assignments imports a list of who contacts which household, after saying what each phone gains and loses.
func (c *importCmd) assignments(r *room, lines register.Lines, in io.ReaderAt, size int64) error {
	by, place, err := r.desk().Importer(r.ctx, c.Place)
	if err != nil {
		return err
	}
	id, err := syncproto.NewID(r.engine.Now(), rand.Reader)
	if err != nil {
		return err
	}
	rep, plan, err := assign.Listing{Lines: lines, E: r.engine, By: by, As: r.cli.As, Place: place, ID: id, Preview: c.Preview}.Run(r.ctx, c.File, in, size)
	if rep == nil {
		return err
	}
	r.tellUnread(rep)
	if plan != nil {
		r.tellEffects(plan)
		did, would := c.previewed()
		r.say(fmt.Sprintf("读了 %d 行：改派 %d 户，%d 行本来就是这样。%s", rep.Rows, plan.Count, plan.Left, did), fmt.Sprintf("%d rows read: %d households assigned anew, %d rows as they were.%s", rep.Rows, plan.Count, plan.Left, would))
	}
	c.tellBad(r, rep)
	if err == nil && !c.Preview && plan != nil && plan.Count > 0 {
		r.say("要撤回："+c.undoing(id), "That takes it back.")
	}
	return err
}

// tellEffects tells what phones gain and lose, and what waits on them.
func (r *room) tellEffects(plan *assign.Plan) {
	for _, p := range plan.People {
		r.say(fmt.Sprintf("%s（%s）：多 %d 户 %d 行，少 %d 户 %d 行。", p.Name, p.Login, p.Gains.Homes, p.Gains.Rows, p.Loses.Homes, p.Loses.Rows),
			fmt.Sprintf("%s gains %d households (%d rows) and loses %d (%d).", p.Login, p.Gains.Homes, p.Gains.Rows, p.Loses.Homes, p.Loses.Rows))
	}
	if plan.Unsent > 0 {
		r.say(fmt.Sprintf("要少户的手机上还有 %d 条没交，交上来照样算数。", plan.Unsent), fmt.Sprintf("%d edits wait on the phones that lose households; they count when they come.", plan.Unsent))
	}
}
