// Package setup ties the kernel to Jupyter and looks after what set-up made:
// the kernelspec ([Install], [Uninstall]), a private JupyterLab ([Lab]) and the
// list of what is there and what is not ([Doctor]). What is fetched and built
// is the business of package toolchain.
//
//	dir, err := setup.Install(layout, setup.UserData())
package setup
