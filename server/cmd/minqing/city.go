package main

import (
	"fmt"

	"minqing/server/admin"
)

type initCmd struct {
	City  string `required:"" help:"城市名。 The city's name."`
	Code  string `required:"" help:"行政区划代码，6 位。 Its code."`
	Login string `required:"" help:"管理员登录名。 Login of the administrator."`
	Name  string `required:"" help:"管理员姓名。 His name."`
}

// Run founds a city.
func (c *initCmd) Run(r *room) error {
	if err := r.desk().Found(r.ctx, admin.Founding(*c)); err != nil {
		return err
	}
	r.say(fmt.Sprintf("已建立%s（%s），管理员%s（%s）。", c.City, c.Code, c.Name, c.Login), "The city is founded, with its first administrator.")
	return nil
}

type placeCmd struct {
	Under string `required:"" help:"上级：代码或名称。 The place above, by code or name."`
	Level string `required:"" help:"级别：township、district、village、natural、group、building、street。 Its level."`
	Code  string `help:"代码。 Its code."`
	Name  string `required:"" help:"名称。 Its name."`
}

// Run makes a place.
func (c *placeCmd) Run(r *room) error {
	if err := r.desk().AddPlace(r.ctx, admin.NewPlace(*c)); err != nil {
		return err
	}
	words := c.Name
	if c.Code != "" {
		words += "（" + c.Code + "）"
	}
	r.say("已建立"+words+"。", "The place is made.")
	return nil
}
