package limit

// A kind of bucket.
type kind uint8

const (
	ofLogin         kind = iota // one login name from one address
	ofName                      // that login name from anywhere
	ofNameRecent                // the same within a day: makes the two before count more
	ofAddress                   // an address; IPv6: its /64
	ofNetwork                   // IPv6: its /48
	ofDevice                    // a browser that has signed in before
	ofStarts                    // starts from an address
	ofNetworkStarts             // ... from a network
	ofDeviceStarts              // ... in a browser that has signed in before
	ofEverybody                 // all clients: when it is full, each failure counts as ten
	ofFlood                     // all clients: when it is full, only known browsers get through
	kinds
)

// names are what operators see in the log and in metrics.
var names = [kinds]string{
	ofLogin: "login_name_and_address", ofName: "login_name", ofNameRecent: "login_name", ofAddress: "address", ofNetwork: "network",
	ofDevice: "browser", ofStarts: "starts_of_address", ofNetworkStarts: "starts_of_network", ofDeviceStarts: "starts_of_browser",
	ofEverybody: "everybody", ofFlood: "everybody",
}

// A bucket is identified by its kind and the hash of what it counts.
type bucket struct {
	kind kind
	key  uint64
}
