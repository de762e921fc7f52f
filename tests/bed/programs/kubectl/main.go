// The real kubectl, of the version of the bed's control plane. The tests of the embedded API server use it too.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		// Ends the process with the exit code that belongs to the error.
		util.CheckErr(err)
	}
	os.Exit(0)
}
