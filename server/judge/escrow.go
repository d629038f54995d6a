package judge

import "minqing/syncproto"

// handedOver tells whether a change came from a device after that was revoked. All such work is late: nothing but the cursor under
// which it was captured proves that its author was entitled then, and the device's clock proves nothing. So within the grace period it
// is judged by that authority and listed; without a cursor, or later, somebody has to look at it first.
func (h *hearing) handedOver() (bool, error) {
	if h.revoked || h.rec.fresh || h.rec.First.Device == "" {
		return h.revoked, nil
	}
	// Heard again: it was handed over when it was received after the revocation.
	at, known := h.d.revoked[h.rec.First.Device]
	if !known {
		dev, _, err := h.d.tx.Device(h.rec.First.Device)
		if err != nil {
			return false, err
		}
		at = dev.Revoked
		h.d.revoked[h.rec.First.Device] = at
	}
	h.revoked = at != 0 && h.rec.Received > at
	return h.revoked, nil
}

// tooLate puts late work into the inbox.
func (h *hearing) tooLate() *refusal {
	no := &refusal{code: syncproto.CodeLate, inbox: true, message: syncproto.Both("超过了补交期限，已交管理员处理。", "It came after the grace period; an administrator decides."),
		hint: syncproto.Both("等待处理，内容不会丢。", "Nothing is lost.")}
	if h.revoked {
		no.message = syncproto.Both("来自已停用的设备，已交管理员处理。", "It comes from a device that was revoked; an administrator decides.")
	}
	return no
}
