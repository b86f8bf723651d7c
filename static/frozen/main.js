// What every page of the frozen site runs.

import "../site/site.js";
import "./papers.js";
import "./schedule.js";
import "../demos/kinds/answer.js";
import "../demos/kinds/attack.js";
import "../demos/kinds/attention.js";
import "../demos/kinds/classify.js";
import "../demos/kinds/compare.js";
import "../demos/kinds/entities.js";
import "../demos/kinds/generate.js";
import "../demos/kinds/masks.js";
import "../demos/kinds/outguess.js";
import "../demos/kinds/sparsity.js";
import "../demos/kinds/summarize.js";
import "../demos/kinds/surprise.js";
import "../demos/kinds/tokens.js";
import "../demos/kinds/translate.js";
import "../demos/kinds/zero-shot.js";
import "./replay.js";
