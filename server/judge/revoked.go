package judge

import (
	"minqing/schema"
	"minqing/syncproto"
)

// The table of devices tells when one was revoked; what stops it is the server's own record of it (admin.Desk.Revoke writes both in one
// transaction). The cell is no switch: written by itself it would show a device as stopped that goes on.
const (
	deviceTable   = "device"
	deviceRevoked = "revoked"
)

// refuseRevoking refuses an edit that would show a device otherwise than it is.
func (h *hearing) refuseRevoking(e *syncproto.Edit) (*refusal, error) {
	if e.Table != deviceTable {
		return nil, nil
	}
	for _, c := range e.Cells {
		if c.Cell != deviceRevoked {
			continue
		}
		d, _, err := h.d.tx.Device(syncproto.DeviceID(e.Row))
		if err != nil {
			return nil, err
		}
		if d.Revoked == 0 || c.Value != schema.Int(d.Revoked) {
			return &refusal{code: syncproto.CodeInvalid, message: syncproto.Both("停用设备不能靠改这一格。", "This cell does not revoke a device."),
				hint: syncproto.Both("用 minqing device revoke 停用；停用了不能恢复，请重新登记。", "Use minqing device revoke; it cannot be taken back, enrol the device anew.")}, nil
		}
	}
	return nil, nil
}
