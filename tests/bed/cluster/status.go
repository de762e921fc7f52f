package cluster

import (
	"fmt"
	"io"
	"time"
)

// Status prints how a bed and its components are. It fails where none is up or a component is not well.
func Status(folder Folder, to io.Writer) error {
	process, err := folder.running()
	if err != nil {
		return err
	}
	if process == nil {
		return folder.notUp()
	}
	var states []State
	if err := folder.ask("GET", "/components", &states); err != nil {
		return &Problem{What: "the bed does not answer", Cause: err, Hint: "cargo xtask bed down"}
	}
	fmt.Fprintf(to, "up in %s\nkubeconfig %s\naudit log %s\n", folder, folder.Kubeconfig(), folder.AuditLog())
	unwell := 0
	for _, state := range states {
		said := "runs, since " + state.Since.Format(time.TimeOnly)
		switch {
		case !state.Running:
			said = "ended: " + state.Outcome
		case state.Health != "":
			said = "not healthy: " + state.Health
		}
		if !state.Running || state.Health != "" {
			unwell++
		}
		fmt.Fprintf(to, "%-24s %s\n", state.Name, said)
	}
	if unwell > 0 {
		return &Problem{What: fmt.Sprintf("%d of %d components are not well", unwell, len(states)), Hint: "logs are in " + folder.path("log")}
	}
	return nil
}

// Component starts, stops, kills, pauses or resumes one component.
func Component(folder Folder, name, action string) error {
	process, err := folder.running()
	if err != nil {
		return err
	}
	if process == nil {
		return folder.notUp()
	}
	if err := folder.ask("POST", "/components/"+name+"/"+action, nil); err != nil {
		return &Problem{What: fmt.Sprintf("failed to %s %s", action, name), Cause: err}
	}
	return nil
}
