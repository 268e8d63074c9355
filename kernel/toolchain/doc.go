// Package toolchain makes and finds what cells are built and run with: the
// pinned tools, the go.mod of cells, a warm build cache, the XLA plugin, a
// private Python and the full data sets. All of it lies under one cache folder
// ($ODSLAB_CACHE, else odslab in the user's cache folder), so that removing
// that folder removes everything.
//
// [Layout] says where each thing is; [SetUp] makes what is missing:
//
//	layout, err := toolchain.Default()
//	if err != nil {
//		return err
//	}
//	if err := toolchain.SetUp(ctx, layout, toolchain.Options{Out: os.Stderr}); err != nil {
//		return err
//	}
//	engine, why := layout.Engine() // "xla-cpu", or "go" and the reason
//
// A set-up is a list of steps. Each has a stamp, a hash of what it was made
// from together with size and time of what it made, so that a second set-up
// compares stamps and returns. Steps run under one file lock. What a step makes
// is built beside its place and renamed into it, so a set-up that is stopped
// anywhere leaves nothing half done, and the next one goes on from there.
//
// What can be had without (the XLA plugin, say) warns where it fails; what
// cannot (tools, the go.mod of cells) is an error of one line.
package toolchain
