package limit

// Config configures a Limiter.
type Config struct {
	// Secret is the key of the hashes. Hosts with the same secret can add up their counts.
	Secret []byte

	// Login is for one login name from one address. A name from anywhere has five times
	// as many points. When a name has failed ten times as often within a day, each further
	// failure counts as ten.
	Login Rate

	// Address is for an address; an IPv6 network has ten times as many points.
	Address Rate

	// All is for all clients together: beyond it each failure counts as ten. Beyond ten
	// times as many, only browsers that have signed in before get through.
	All Rate
}

const (
	nameShare     = 5  // of Login, for a name from anywhere
	networkShare  = 10 // of Address
	floodShare    = 10 // of All
	recentShare   = 10 // of Login, in a day
	strict        = 10 // how much a failure counts when there were too many
	startsInPoint = 20 // this many starts that are not completed count as one failure
)

func (c Config) rates() [kinds]Rate {
	return [kinds]Rate{
		ofLogin: c.Login, ofName: c.Login.times(nameShare), ofNameRecent: {c.Login.Points * recentShare, day},
		ofAddress: c.Address, ofNetwork: c.Address.times(networkShare),
		ofDevice: c.Login, ofDeviceStarts: c.Login,
		ofStarts: c.Address, ofNetworkStarts: c.Address.times(networkShare),
		ofEverybody: c.All, ofFlood: c.All.times(floodShare),
	}
}
