package console

import (
	"minqing/server/console/audit"
	"minqing/server/store"
	"minqing/syncproto"
)

// auditNames are people and phones by id, those that were asked for so far.
type auditNames struct {
	name, login map[syncproto.UserID]string
	phone       map[syncproto.DeviceID]string
	asked       map[string]bool
}

func newAuditNames() *auditNames {
	return &auditNames{map[syncproto.UserID]string{}, map[syncproto.UserID]string{}, map[syncproto.DeviceID]string{}, map[string]bool{}}
}

// ask adds an id to those that are to be asked for, unless it was.
func (n *auditNames) ask(ids []string, id string) []string {
	if id == "" || n.asked[id] {
		return ids
	}
	n.asked[id] = true
	return append(ids, id)
}

// read learns what the people and phones of some records are called.
func (n *auditNames) read(tx *store.Tx, changes []*store.Change, shown []audit.Shown) error {
	var users, devices []string
	for _, c := range changes {
		users, devices = n.ask(users, string(c.User)), n.ask(devices, string(c.First.Device))
	}
	for _, s := range shown {
		users, devices = n.ask(users, string(s.User)), n.ask(devices, string(s.Device))
	}
	err := tx.Each(func(scan func(...any) error) error {
		var id syncproto.UserID
		var name, login string
		err := scan(&id, &name, &login)
		n.name[id], n.login[id] = name, login
		return err
	}, `SELECT id, COALESCE(name, ''), COALESCE(login, '') FROM "user" WHERE id = ANY(?)`, users)
	if err != nil {
		return err
	}
	return tx.Each(func(scan func(...any) error) error {
		var id syncproto.DeviceID
		var label string
		err := scan(&id, &label)
		n.phone[id] = label
		return err
	}, "SELECT id, COALESCE(label, '') FROM device WHERE id = ANY(?)", devices)
}

// sign says who did it, and by what.
func (r *auditRow) sign(rq *request, n *auditNames, user syncproto.UserID, device syncproto.DeviceID) {
	r.Who, r.Login = n.name[user], n.login[user]
	if user == "" {
		r.Who = rq.words.say("audit.server")
	}
	r.How = rq.words.say("audit.web")
	if label, ok := n.phone[device]; ok {
		if r.How = label; label == "" {
			r.How = rq.words.say("device.nolabel")
		}
	}
}
