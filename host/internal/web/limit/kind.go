package limit

// A kind of bucket.
type kind uint8

const (
	ofLogin         kind = iota // one login name from one address
	ofName                      // that login name from anywhere
	ofNameLately                // the same in a day: makes the two before count more
	ofAddress                   // an address; IPv6: its /64
	ofNetwork                   // IPv6: its /48
	ofDevice                    // a browser that has signed in before
	ofStarts                    // starts from an address
	ofNetworkStarts             // ... from a network
	ofDeviceStarts              // ... in a browser that has signed in before
	ofEverybody                 // all together: when it is full, each failure counts as ten
	ofFlood                     // all together: when it is full, only known browsers get through
	kinds
)

// names are those that operators see, in the log and in metrics.
var names = [kinds]string{
	ofLogin: "login_name_and_address", ofName: "login_name", ofNameLately: "login_name", ofAddress: "address", ofNetwork: "network",
	ofDevice: "browser", ofStarts: "starts_of_address", ofNetworkStarts: "starts_of_network", ofDeviceStarts: "starts_of_browser",
	ofEverybody: "everybody", ofFlood: "everybody",
}

// A bucket is named by its kind and the hash of whom it is for.
type bucket struct {
	kind kind
	key  uint64
}

// Config is what a Limiter needs to know.
type Config struct {
	// Secret keys the hashes. Hosts with the same one can add up their counts.
	Secret []byte

	// Login is for one login name from one address. From everywhere, a name has five
	// times as much; and when it failed ten times as often within a day, each further
	// failure counts as ten.
	Login Rate

	// Address is for an address; a network of IPv6 has ten times as much.
	Address Rate

	// All is for everybody: beyond it each failure counts as ten. At ten times as many,
	// only browsers that have signed in before get through.
	All Rate
}

const (
	nameShare     = 5  // of Login, for a name from anywhere
	networkShare  = 10 // of Address
	floodShare    = 10 // of All
	latelyShare   = 10 // of Login, in a day
	strict        = 10 // what a failure counts when there were too many
	startsInPoint = 20 // so many starts without an end count as one failure
)

func (c Config) rates() [kinds]Rate {
	return [kinds]Rate{
		ofLogin: c.Login, ofName: c.Login.times(nameShare), ofNameLately: {c.Login.Points * latelyShare, day},
		ofAddress: c.Address, ofNetwork: c.Address.times(networkShare),
		ofDevice: c.Login, ofDeviceStarts: c.Login,
		ofStarts: c.Address, ofNetworkStarts: c.Address.times(networkShare),
		ofEverybody: c.All, ofFlood: c.All.times(floodShare),
	}
}
