package limit

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// A device is a browser in which someone has signed in. What it keeps is not a credential:
// it only gives the browser separate buckets for the name that signed in there.

const (
	day = 24 * time.Hour

	// DeviceLasts is how long after a sign-in the browser is known.
	DeviceLasts = 90 * day
)

// A device is encoded as a random number, the day on which it was made, the hash of the
// login name, and the authentication of all that and the provider.
const (
	deviceNonce = 8
	deviceDay   = 4
	deviceName  = 8
	deviceBody  = deviceNonce + deviceDay + deviceName
	deviceMAC   = 16

	// byDevice and byName keep these hashes distinct from those of buckets.
	byDevice = 0x80
	byName   = 0x81
)

// Device is the value for a browser to keep when this client has signed in there: letters,
// digits, - and _. It is empty if there are no limits.
func (l *Limiter) Device(who Who) string {
	if l == nil {
		return ""
	}
	body := make([]byte, deviceNonce, deviceBody+deviceMAC)
	rand.Read(body)
	body = binary.BigEndian.AppendUint32(body, today(l.now()))
	name := l.nameHash(who)
	body = append(body, name[:]...)
	return base64.RawURLEncoding.EncodeToString(append(body, l.deviceMAC(who.Provider, body)...))
}

// knownDevice returns what distinguishes one device from others, if someone has signed in with
// this device recently through that provider, and under that name if a name was entered.
func (l *Limiter) knownDevice(who Who) ([]byte, bool) {
	const most = (deviceBody+deviceMAC)*4/3 + 1
	if who.Device == "" || len(who.Device) > most {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(who.Device)
	if err != nil || len(raw) != deviceBody+deviceMAC {
		return nil, false
	}
	body, mac := raw[:deviceBody], raw[deviceBody:]
	if subtle.ConstantTimeCompare(mac, l.deviceMAC(who.Provider, body)) == 0 {
		return nil, false
	}
	age := int64(today(l.now())) - int64(binary.BigEndian.Uint32(body[deviceNonce:]))
	if age < -1 || age > int64(DeviceLasts/day) {
		return nil, false
	}
	if name := l.nameHash(who); who.Name != "" && name != [deviceName]byte(body[deviceNonce+deviceDay:]) {
		return nil, false
	}
	return body[:deviceNonce], true
}

func (l *Limiter) deviceMAC(provider string, body []byte) []byte {
	sum := l.hasher.sum(byDevice, []byte(provider), body)
	return sum[:deviceMAC]
}

func (l *Limiter) nameHash(who Who) [deviceName]byte {
	sum := l.hasher.sum(byName, []byte(who.Provider), folded(who.Name))
	return [deviceName]byte(sum[:])
}

func today(now time.Time) uint32 {
	return uint32(now.Unix() / int64(day/time.Second)) //nolint:gosec // positive, and small until the year 11 million
}
