package sim

import "io"

// Run runs one history; echo, unless nil, gets every line of its trace.
func Run(h *History, echo io.Writer) Result { return newWorld(h, echo).run() }
