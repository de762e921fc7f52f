package sandbox

import (
	"errors"
	"os"
	"testing"
)

const rest = " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20"

func TestStartTimeIsFoundBehindAnyName(t *testing.T) {
	for _, name := range []string{"lamp", "a lamp", "lamp) S 1 (", ""} {
		got, err := startTime("12 (" + name + ") S" + rest)
		if err != nil || got != 4711 {
			t.Errorf("%q: %d, %v", name, got, err)
		}
	}
}

func TestAnEndedProcessHasNoStartTime(t *testing.T) {
	if _, err := startTime("12 (lamp) Z" + rest); !errors.Is(err, errEnded) {
		t.Error(err)
	}
}

func TestADescriptionThatIsCutShortIsAnError(t *testing.T) {
	for _, text := range []string{"", "12", "12 (lamp", "12 (lamp) S 1 2 3"} {
		if got, err := startTime(text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}

func TestAProcessIsItselfAndNotOneThatHadItsNumberBefore(t *testing.T) {
	self, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	if self.Number != os.Getpid() || !self.IsAlive() {
		t.Errorf("%+v is not this process", self)
	}
	self.Started--
	if self.IsAlive() {
		t.Error("another start is another process")
	}
}
