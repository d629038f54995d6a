package engine

// Version is that of the program.
func (e *Engine) Version() string { return e.cfg.Version }
