package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"odslab/kernel/setup"
	"odslab/kernel/toolchain"
)

// cmdLab opens the notebooks in a private JupyterLab.
func cmdLab(ctx context.Context, args []string) error {
	fs := flagSet("lab")
	noBrowser := fs.Bool("no-browser", false, "print the address only")
	plain, rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(plain) > 1 {
		return fmt.Errorf("lab opens one folder, not %d", len(plain))
	}
	l, err := toolchain.Default()
	if err != nil {
		return err
	}
	dir := filepath.Join(l.Clone, "notebooks")
	if len(plain) == 1 {
		if dir, err = filepath.Abs(plain[0]); err != nil {
			return err
		}
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("lab: no folder %s", dir)
	}
	if err := toolchain.SetUp(ctx, l, toolchain.Options{Out: os.Stderr}); err != nil {
		return err
	}
	say := func(line string) { fmt.Fprintln(os.Stderr, " ", line) }
	python, err := toolchain.EnsurePython(ctx, say, setup.LabPackages...)
	if err != nil {
		return err
	}
	return setup.Lab(ctx, l, setup.LabOptions{Python: python, Dir: dir, NoBrowser: *noBrowser, Args: rest, Out: os.Stdout})
}

// cmdInstall makes the kernel known to the user's own Jupyter.
func cmdInstall(ctx context.Context, args []string) error {
	plain, _, err := parse(flagSet("install"), args)
	if err != nil {
		return err
	}
	if err := none("install", plain); err != nil {
		return err
	}
	l, err := toolchain.Default()
	if err != nil {
		return err
	}
	data, err := setup.UserData()
	if err != nil {
		return err
	}
	if err := toolchain.SetUp(ctx, l, toolchain.Options{Out: os.Stderr}); err != nil {
		return err
	}
	dir, err := setup.Install(l, data)
	if err != nil {
		return err
	}
	fmt.Printf("%q is in %s\n", setup.DisplayName, dir)
	say := func(line string) { fmt.Fprintln(os.Stderr, " ", line) }
	python, err := toolchain.EnsurePython(ctx, say, setup.WidgetPackages...)
	if err == nil {
		err = setup.InstallWidgets(python, data)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "note: sliders need jupyterlab-widgets in your Jupyter, which could not be added: %v\n", err)
	}
	return nil
}

// cmdUninstall takes it out again.
func cmdUninstall(ctx context.Context, args []string) error {
	plain, _, err := parse(flagSet("uninstall"), args)
	if err != nil {
		return err
	}
	if err := none("uninstall", plain); err != nil {
		return err
	}
	data, err := setup.UserData()
	if err != nil {
		return err
	}
	dir, err := setup.Uninstall(data)
	if errors.Is(err, setup.ErrNotInstalled) {
		fmt.Println(err)
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Println("removed", dir)
	return nil
}

// cmdDoctor says what is there and what is not.
func cmdDoctor(ctx context.Context, args []string) error {
	plain, _, err := parse(flagSet("doctor"), args)
	if err != nil {
		return err
	}
	if err := none("doctor", plain); err != nil {
		return err
	}
	l, err := toolchain.Default()
	if err != nil {
		return err
	}
	if setup.Doctor(ctx, l, os.Stdout) {
		return exitStatus(1)
	}
	return nil
}
