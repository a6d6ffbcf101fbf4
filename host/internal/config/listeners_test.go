package config_test

import "testing"

func TestAdminAddress(t *testing.T) {
	for name, environ := range map[string][]string{
		"on loopback":       {"ADMIN_ADDRESS=127.0.0.1:8057"},
		"on loopback, IPv6": {"ADMIN_ADDRESS=[::1]:8056"},
		"by name":           {"ADMIN_ADDRESS=localhost:8056"},
		"any port":          {"ADMIN_ADDRESS=127.0.0.1:0", "PORT=0", "PUBLIC_URL=http://localhost:1234"},
		"beyond, said so":   {"ADMIN_ADDRESS=10.0.0.1:8056", "ADMIN_INSECURE_BEYOND_LOOPBACK=true"},
	} {
		if c := newSetup(t, environ...).mustLoad(t); "ADMIN_ADDRESS="+c.AdminAddress != environ[0] {
			t.Errorf("%s: %q", name, c.AdminAddress)
		}
	}
	for want, environ := range map[string][]string{
		"ADMIN_ADDRESS: must be a host and a port":            {"ADMIN_ADDRESS=8056"},
		"ADMIN_ADDRESS: must be a host and a port, such":      {"ADMIN_ADDRESS=:8056"},
		"ADMIN_ADDRESS: must have a different port from PORT": {"ADMIN_ADDRESS=127.0.0.1:8055"},
		"a different port from PORT, which is public":         {"ADMIN_ADDRESS=10.0.0.1:9000", "PORT=9000", "ADMIN_INSECURE_BEYOND_LOOPBACK=true"},
		"ADMIN_ADDRESS: must be on loopback":                  {"ADMIN_ADDRESS=0.0.0.0:8056"},
		"set ADMIN_INSECURE_BEYOND_LOOPBACK to true":          {"ADMIN_ADDRESS=admin.internal:8056"},
	} {
		newSetup(t, environ...).refused(t, want)
	}
}
