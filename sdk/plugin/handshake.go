package plugin

import (
	"context"
	"fmt"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

// ProtocolVersion is the major version of the contract. Host and plugin must
// have the same.
const ProtocolVersion = 1

// MaxMessage bounds a message in both directions, in bytes.
const MaxMessage = 4 << 20

// maxHeader bounds the header and the trailer of a response, in bytes. An error of
// the SDK has at most 100 KiB.
const maxHeader = 256 << 10

// pluginName is go-plugin's name for the only plugin in a binary.
const pluginName = "mechanism"

// Handshake is what host and plugin must agree on before they talk. The cookie keeps
// people from running a plugin manually by mistake; it is not a secret.
var Handshake = goplugin.HandshakeConfig{
	ProtocolVersion:  ProtocolVersion,
	MagicCookieKey:   "DOORWARD_PLUGIN",
	MagicCookieValue: "7d3c2f9e5b6f4e0c8a41d7b1c0e9f3a2",
}

// Plugins is the host's half of the go-plugin configuration.
func Plugins() map[int]goplugin.PluginSet {
	return map[int]goplugin.PluginSet{ProtocolVersion: {pluginName: wire{}}}
}

// How many bytes a plugin or the host can send before the other end has read them: in
// one call, and in all calls. By default, gRPC lets both grow to 16 MiB.
const (
	streamWindow     = 256 << 10
	connectionWindow = 1 << 20
)

// DialOptions limit what the host calls, sends and accepts. Without them, a plugin could
// fill the memory of the host with a response of 2 GiB, an error of 16 MiB, or endless
// messages of go-plugin.
//
// HTTP/2 frames that cost the host a reply or memory (SETTINGS, PING, WINDOW_UPDATE) are
// limited by gRPC, which stops reading when 50 of them wait.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessage), grpc.MaxCallSendMsgSize(MaxMessage)),
		grpc.WithMaxHeaderListSize(maxHeader),
		grpc.WithStaticStreamWindowSize(streamWindow),
		grpc.WithStaticConnWindowSize(connectionWindow),
		grpc.WithChainUnaryInterceptor(allowedCalls),
		grpc.WithChainStreamInterceptor(noStreams),
		// A plugin must not influence how it is called.
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableHealthCheck(),
	}
}

// Dispense returns the Client of a started plugin process.
func Dispense(protocol goplugin.ClientProtocol) (*Client, error) {
	raw, err := protocol.Dispense(pluginName)
	if err != nil {
		return nil, err
	}
	client, ok := raw.(*Client)
	if !ok {
		return nil, fmt.Errorf("dispensing %s: got a %T; configure go-plugin with Plugins", pluginName, raw)
	}
	return client, nil
}

// wire plugs both ends into go-plugin.
type wire struct {
	goplugin.NetRPCUnsupportedPlugin
	server doorwardv1.PluginServiceServer // nil in the host
}

func (w wire) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	doorwardv1.RegisterPluginServiceServer(s, w.server)
	return nil
}

func (wire) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return newClient(doorwardv1.NewPluginServiceClient(conn)), nil
}

var _ goplugin.GRPCPlugin = wire{}
