package phone

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"minqing/internal/sqlitex"
	"minqing/mobile-client/lock"
)

// wipeMark is beside a data file that is to be gone: everything in it that was not sent is in safety. Whoever finds it finishes the wipe,
// without asking for a PIN: power that fails amid it leaves no half of a replica and no log of one.
const wipeMark = ".wipe"

// Wipe removes the data of a closed file, then its key. The caller has brought in safety what was not sent: from here on there is no way
// back. Where not even the mark fits on the disk, the data goes without it.
func Wipe(file string, box *lock.Box) error {
	marked := makeMark(file)
	err := errors.Join(sqlitex.Remove(file), removeBeside(file, spooled), removeBeside(file, fetched), box.Remove(), sqlitex.SyncDir(file))
	if err != nil {
		return errors.Join(err, marked)
	}
	return dropMark(file)
}

// FinishWipe goes on with a wipe that was cut; done tells that there was one.
func FinishWipe(file string, box *lock.Box) (done bool, err error) {
	switch _, err := os.Stat(file + wipeMark); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	}
	return true, Wipe(file, box)
}

// removeBeside removes what lies beside a file under a name that goes on so.
func removeBeside(file, suffix string) error {
	list, err := filepath.Glob(escapeGlob(file) + suffix + "*")
	for _, path := range list {
		if gone := os.Remove(path); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}

func makeMark(file string) error {
	f, err := os.OpenFile(file+wipeMark, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), sqlitex.SyncDir(file))
}

func dropMark(file string) error {
	if err := os.Remove(file + wipeMark); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return sqlitex.SyncDir(file)
}

// KeepEscrow writes a part of a revoked device's outbox beside its file, under a name that no earlier one has, and returns once it is on
// the disk.
func KeepEscrow(file string, part int, bundle []byte) error {
	return keepBeside(file+".escrow-", part, bundle)
}
