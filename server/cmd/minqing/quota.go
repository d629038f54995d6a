package main

import "fmt"

type quotaCmd struct {
	Place  string `required:"" placeholder:"CODE" help:"哪个地方的代码，以下各处同样。 Code of the place; it holds below it too."`
	Team   string `required:"" help:"队伍：leading、cadre、member。 Team."`
	Visits int    `required:"" help:"每户每月走访几次。 Visits a month to each household."`
}

// Run sets how often a team visits.
func (c *quotaCmd) Run(r *room) error {
	if err := r.desk().SetQuota(r.ctx, c.Place, c.Team, c.Visits); err != nil {
		return err
	}
	r.say(fmt.Sprintf("定下了：每户每月 %d 次。手机下次联网时知道。", c.Visits), fmt.Sprintf("Set: %d visits a month to each household; phones learn it at their next contact.", c.Visits))
	return nil
}
