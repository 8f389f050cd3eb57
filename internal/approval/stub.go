package approval

type Envelope struct{ Step string }
