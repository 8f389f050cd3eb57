package fault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// silence mutes the alerts of one label, for a day.
func silence(s *stack.Stack, label, value string) error {
	body, err := json.Marshal(map[string]any{
		"matchers": []any{map[string]any{"name": label, "value": value, "isRegex": false, "isEqual": true}},
		"startsAt": time.Now(), "endsAt": time.Now().Add(24 * time.Hour), "createdBy": "anna", "comment": "move to the new hall",
	})
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 5 * time.Second}
	answer, err := client.Post(fmt.Sprintf("http://127.0.0.1:%d/api/v2/silences", s.Port.Alertmanager), "application/json", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("silence an alert: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("silence an alert: HTTP %d", answer.StatusCode)
	}
	return nil
}
