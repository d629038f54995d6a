package main

import (
	"fmt"

	"minqing/server/admin"
)

type cardCmd struct {
	Issue    cardIssueCmd    `cmd:"" help:"给还没有的户发民情联系卡；手机下次联网时有二维码。 Issue contact cards to households that have none."`
	Withdraw cardWithdrawCmd `cmd:"" help:"停用联系卡：丢了，或者发错了。 Withdraw cards that were lost or given to somebody else."`
}

type cardIssueCmd struct {
	Village    string   `help:"哪个村：代码或名称。不写户号就是全村。 The village; all of it when no codes are named."`
	Households []string `help:"户号，逗号分开。 Household codes, commas between them."`
	Anew       bool     `help:"已经有的停用，另发新的。 Withdraw the cards that are out and issue others."`
	Plain      bool     `help:"每张一行：户号、Tab、网页地址。 A line for each: code, tab, address of its page."`
}

// Run issues cards.
func (c *cardIssueCmd) Run(r *room) error {
	made, err := r.desk().IssueCards(r.ctx, admin.Cards{Village: c.Village, Households: c.Households, Anew: c.Anew})
	if err != nil {
		return err
	}
	if c.Plain {
		for _, x := range made {
			if _, err := fmt.Fprintf(r.out, "%s\t/c/%s\n", x.Household, x.Serial); err != nil {
				return err
			}
		}
		return nil
	}
	if len(made) == 0 {
		r.say("都已经有联系卡，没有变化。", "All have cards; nothing changed.")
		return nil
	}
	r.say(fmt.Sprintf("已发 %d 张联系卡。手机下次联网时有二维码。", len(made)), fmt.Sprintf("%d cards issued; phones have their QR codes at their next contact.", len(made)))
	return nil
}

type cardWithdrawCmd struct {
	Serial     string   `arg:"" optional:"" help:"卡上的编号。 The serial on the card."`
	Village    string   `help:"哪个村：代码或名称。不写户号就是全村。 The village; all of it when no codes are named."`
	Households []string `help:"户号，逗号分开。 Household codes, commas between them."`
}

// Run withdraws cards.
func (c *cardWithdrawCmd) Run(r *room) error {
	n := 1
	var err error
	if c.Serial != "" {
		err = r.desk().WithdrawCard(r.ctx, c.Serial)
	} else {
		n, err = r.desk().WithdrawCards(r.ctx, admin.Cards{Village: c.Village, Households: c.Households})
	}
	if err != nil {
		return err
	}
	r.say(fmt.Sprintf("已停用 %d 张联系卡，从现在起打不开。", n), fmt.Sprintf("%d cards withdrawn; they open nothing from now on.", n))
	return nil
}
