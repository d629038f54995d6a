package field

import "minqing/mobile-client/replica"

// quotas are the visits a month that each team owes a household (DOMAIN A1) where its place has set none.
func quotas(*replica.View) (map[string]int, error) {
	return map[string]int{"leading": 1, "cadre": 2, "member": 1}, nil
}
