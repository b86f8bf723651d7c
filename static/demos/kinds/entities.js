import { showBars } from "../bars.js";
import { demoKind } from "../panel.js";

demoKind("entities", { result: (view) => ({ finish: () => showBars(view.element) }) });
