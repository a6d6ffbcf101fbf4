// Package plugintest tests mechanisms the way the host uses them: over the real
// wire.
//
// [Open] serves a mechanism from inside the test and opens a provider of it, so
// that a unit test exercises the encoding of every step and error. [Start] runs
// a built binary. [Conformance] is the suite that every plugin must pass,
// whoever wrote it and in whatever language:
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
// With SignIn the suite begins each login in one process and ends it in another.
//
// For tests of a mechanism's own, [Clock] is a clock to set, [Log] and [Recorder]
// keep what it says and hears, [Build] builds its plugin, and [Browser] takes a step
// to a provider and brings back what the provider answers.
package plugintest
