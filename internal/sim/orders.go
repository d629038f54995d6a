package sim

// doOrders lets what waits on several phones arrive in different orders at copies of the server, which must come to the same.
func (w *World) doOrders(d *dice) {}
