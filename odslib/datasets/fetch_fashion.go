package datasets

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// fetchFashion unpacks the Debian package of Fashion-MNIST (MIT licence) into
// tmp. Neither root nor an installed package is needed.
func fetchFashion(ctx context.Context, tmp string, say func(string)) error {
	for _, need := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(need); err != nil {
			return fmt.Errorf("it comes as a Debian package and there is no %s here; put the four files of the authors, train-images-idx3-ubyte.gz and so on, into the folder fashion-mnist of the data folder", need)
		}
	}
	say("downloading the Debian package dataset-fashion-mnist, 31 MB")
	if err := debian(ctx, tmp, say, "dataset-fashion-mnist"); err != nil {
		return err
	}
	return os.Rename(filepath.Join(tmp, "deb/usr/share/datasets/fashion-mnist"), filepath.Join(tmp, "fashion-mnist"))
}

// debian unpacks Debian packages into the folder deb of tmp.
func debian(ctx context.Context, tmp string, say func(string), packages ...string) error {
	if err := run(ctx, tmp, "apt-get", append([]string{"download"}, packages...)...); err != nil {
		if ctx.Err() != nil {
			return err
		}
		// The system's package lists may be absent or old: a private copy needs
		// no root.
		lists, cache := filepath.Join(tmp, "lists"), filepath.Join(tmp, "cache")
		for _, d := range []string{lists, cache} {
			if err := os.MkdirAll(filepath.Join(d, "partial"), 0o755); err != nil {
				return err
			}
		}
		private := []string{"-o", "Dir::State::Lists=" + lists, "-o", "Dir::Cache=" + cache, "-o", "APT::Sandbox::User=", "-o", "APT::Update::Error-Mode=any"}
		say("reading the package lists")
		if err := run(ctx, tmp, "apt-get", append(private, "update")...); err != nil {
			return err
		}
		if err := run(ctx, tmp, "apt-get", append(append(private, "download"), packages...)...); err != nil {
			return err
		}
	}
	for _, pkg := range packages {
		debs, err := filepath.Glob(filepath.Join(tmp, pkg+"_*.deb"))
		if err != nil {
			return err
		}
		if len(debs) != 1 {
			return fmt.Errorf("apt-get download left no package %s behind", pkg)
		}
		if err := run(ctx, tmp, "dpkg-deb", "-x", debs[0], "deb"); err != nil {
			return err
		}
	}
	return nil
}
