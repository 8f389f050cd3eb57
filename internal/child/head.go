package child

// head keeps the first bytes that are written to it and lets the rest pass, so
// that a program that talks without end neither blocks nor fills our memory.
type head struct {
	most int
	kept []byte
	cut  bool
}

func (h *head) Write(p []byte) (int, error) {
	room := h.most - len(h.kept)
	if len(p) > room {
		h.kept, h.cut = append(h.kept, p[:room]...), true
		return len(p), nil
	}
	h.kept = append(h.kept, p...)
	return len(p), nil
}
