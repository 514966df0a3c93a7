// The smallest Probot app: it verifies the signature, looks at the event, and stores nothing.
import { run } from "probot";

run((app) => {
  app.on(["pull_request.opened", "pull_request.synchronize"], async () => {});
});
