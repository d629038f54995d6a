package main

import (
	"fmt"

	"minqing/server/admin"
)

type userCmd struct {
	Add  userAddCmd  `cmd:"" help:"加一个用户，或给他再加一个角色。 Add a user, or another role to one."`
	List userListCmd `cmd:"" help:"列出用户。 List users."`
	End  userEndCmd  `cmd:"" help:"停用一个用户。 End an account."`
	Link userLinkCmd `cmd:"" help:"出一个一次性链接：第一次登录网页，或者重设密码。 A one-time link to sign in to the pages, or to set a new password."`
}

type userAddCmd struct {
	Login string `required:"" help:"登录名。 Login."`
	Name  string `required:"" help:"姓名。 Name."`
	Role  string `required:"" help:"角色：cadre、secretary、township、city、handler、mediator、admin。 Role."`
	Over  string `required:"" help:"管哪个地方：代码或名称。 Over which place."`
	Home  string `help:"所属地方，默认同 --over。 Home place, default as --over."`
	Post  string `help:"职务。 Post."`
	Phone string `help:"电话。 Phone."`
}

// Run adds a user.
func (c *userAddCmd) Run(r *room) error {
	added, err := r.desk().AddUser(r.ctx, admin.NewUser{Login: c.Login, Name: c.Name, Role: c.Role, Over: c.Over, Home: c.Home, Post: c.Post, Phone: c.Phone})
	if err != nil {
		return err
	}
	if added {
		r.say(fmt.Sprintf("已加用户%s（%s）。", c.Name, c.Login), "The user is added.")
	} else {
		r.say(fmt.Sprintf("%s（%s）已经有了，角色已对上。", c.Name, c.Login), "The user was there; he has the role.")
	}
	return nil
}

type userListCmd struct {
	Under string `help:"只列这个地方的。 Only those of a place."`
}

// Run lists users.
func (c *userListCmd) Run(r *room) error {
	users, err := r.desk().Users(r.ctx, c.Under)
	if err != nil {
		return err
	}
	for _, u := range users {
		if _, err := fmt.Fprintln(r.out, u.Line()); err != nil {
			return err
		}
	}
	r.say(fmt.Sprintf("共 %d 个用户。", len(users)), fmt.Sprintf("%d users.", len(users)))
	return nil
}

type userEndCmd struct {
	Login string `arg:"" help:"登录名。 Login."`
	On    string `placeholder:"DATE" help:"最后一天；不写就是马上停。 Last day; at once when left out."`
}

// Run ends an account.
func (c *userEndCmd) Run(r *room) error {
	if err := r.desk().EndUser(r.ctx, c.Login, c.On); err != nil {
		return err
	}
	r.say("已停用 "+c.Login+"；他手机里的资料会在下次联网时收回。", "The account has ended; his devices forget at their next contact.")
	return nil
}

type assignCmd struct {
	User       string   `required:"" help:"联系人的登录名。 Login of the contact."`
	Team       string   `help:"队伍：leading、cadre、member。 Team."`
	Households []string `required:"" help:"户号，逗号分开。 Household codes, commas between them."`
	Village    string   `help:"户号属于哪个村，默认是他所属的地方。 The village of the codes."`
	Since      string   `placeholder:"DATE" help:"从哪天起，默认今天。 First day, default today."`
	End        bool     `help:"结束联系。 End it."`
	On         string   `placeholder:"DATE" help:"和 --end 一起：最后一天，默认马上结束。 With --end: the last day."`
}

// Run assigns households, or ends that.
func (c *assignCmd) Run(r *room) error {
	a := admin.Assignment{User: c.User, Team: c.Team, Households: c.Households, Village: c.Village, Since: c.Since, Until: c.On}
	if c.End {
		n, err := r.desk().EndAssignment(r.ctx, a)
		if err != nil {
			return err
		}
		if n == 0 {
			r.say("这些户本来就不由他联系，没有变化。", "None of these was his; nothing changed.")
		} else {
			r.say(fmt.Sprintf("已结束 %d 户的联系。", n), fmt.Sprintf("%d assignments ended.", n))
		}
		return nil
	}
	n, err := r.desk().Assign(r.ctx, a)
	if err != nil {
		return err
	}
	r.say(fmt.Sprintf("已安排 %d 户，另有 %d 户本来就是。", n, len(c.Households)-n), fmt.Sprintf("%d households assigned; %d were already.", n, len(c.Households)-n))
	return nil
}
