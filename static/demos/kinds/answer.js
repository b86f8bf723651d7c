import { showBars } from "../bars.js";
import { demoKind } from "../panel.js";

demoKind("answer", { result: (view) => ({ finish: () => showBars(view.element) }) });
