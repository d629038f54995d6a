package judge

import (
	"sync"

	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// lineCache keeps where streams stood when the epochs of the database's line began: it changes only with a new epoch, or when a device tells
// of one that a restore cut off.
type lineCache struct {
	mu    sync.Mutex
	epoch syncproto.EpochID
	lost  int64 // what was known of those
	lines map[string]merge.Epochs
}

// lineOf is the ancestry of the present epoch as a stream saw it.
func (d *desk) lineOf(stream string) (merge.Epochs, error) {
	if d.lines == nil {
		d.lines = map[string]merge.Epochs{}
		var err error
		if d.lost, err = d.tx.LostEpochs(); err != nil {
			return merge.Epochs{}, err
		}
	}
	if line, have := d.lines[stream]; have {
		return line, nil
	}
	c := &d.j.line
	c.mu.Lock()
	if c.epoch != d.epoch.ID || c.lost != d.lost {
		c.epoch, c.lost, c.lines = d.epoch.ID, d.lost, map[string]merge.Epochs{}
	}
	line, have := c.lines[stream]
	c.mu.Unlock()
	if !have {
		var err error
		if line, err = d.tx.LineOf(stream); err != nil {
			return line, err
		}
		if line.Current == c.epoch { // an epoch minted in this transaction may yet be rolled back
			c.mu.Lock()
			if c.epoch == line.Current && c.lost == d.lost {
				c.lines[stream] = line
			}
			c.mu.Unlock()
		}
	}
	d.lines[stream] = line
	return line, nil
}
