// Command fetchplugin puts go-xla's CPU plugin into a folder, by go-xla's own
// installer. Set-up runs it where the pinned wheel cannot be had; it is a
// program of its own so that the odslab command need not link the installer,
// and so that it can be stopped.
//
//	go run odslab/kernel/toolchain/fetchplugin DIR
package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/gomlx/go-xla/installer"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: fetchplugin DIR")
		os.Exit(2)
	}
	// Its own notion of "installed" is a file name in DIR, which is empty.
	if err := installer.CPUAutoInstall(os.Args[1], false, installer.Quiet); err != nil {
		var unreached *url.Error
		if errors.As(err, &unreached) {
			err = fmt.Errorf("GitHub cannot be reached: %w", unreached.Err)
		}
		line, _, _ := strings.Cut(err.Error(), "\n")
		fmt.Fprintln(os.Stderr, line)
		os.Exit(1)
	}
}
