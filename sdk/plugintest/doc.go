// Package plugintest tests mechanisms the way the host uses them: over the real
// wire.
//
// [Open] serves a mechanism inside the test and opens a provider of it, so that a
// unit test exercises the encoding of every step and error. [Start] runs a built
// binary. [Conformance] is the suite that every plugin must pass, in whatever
// language it is written:
//
//	func TestConformance(t *testing.T) {
//		plugintest.Conformance(t, plugintest.Suite{
//			Binary:  "../../bin/plugins/doorward-plugin-magic",
//			Options: map[string]any{"seeds__alice": seed},
//			SignIn: func(t *testing.T, step sdk.Step) sdk.ContinueRequest {
//				return sdk.ContinueRequest{Answers: map[string]string{"name": "alice", "code": codeNow()}}
//			},
//		})
//	}
//
// With SignIn, the suite begins each login in one process and ends it in another.
//
// For your own tests of a mechanism, [Clock] is a clock that you can set, [Log] and
// [Recorder] keep its log and the responses that it receives, [Build] builds its plugin,
// and [Browser] takes a step to a provider and returns the request that comes back.
package plugintest
