; What of the library is written in Scheme: control, and what calls procedures that it is given. Names with % are
; the machine's.

; ---- errors ----

; What the machine calls for a primitive that failed, raise among them.
(define (%raise object)
  (let ((handlers (%handlers)))
    (if (null? handlers)
        (%uncaught object)
        (begin
          (%set-handlers! (cdr handlers))
          ((car handlers) object)
          (error "handler returned from raise")))))

(define (raise-continuable object)
  (let ((handlers (%handlers)))
    (if (null? handlers)
        (%uncaught object)
        (begin
          (%set-handlers! (cdr handlers))
          (call-with-values (lambda () ((car handlers) object))
            (lambda results (%set-handlers! handlers) (apply values results)))))))

(define (with-exception-handler handler thunk)
  (let ((handlers (%handlers)))
    (%set-handlers! (cons handler handlers))
    (call-with-values thunk
      (lambda results (%set-handlers! handlers) (apply values results)))))

(define (call-with-values producer consumer) (%apply-values consumer (producer)))

; The clauses of guard are run where guard stands; if none fits, the condition is raised again where it was.
(define (%guard body handler)
  ((%call/cc
    (lambda (leave)
      (with-exception-handler
       (lambda (condition)
         ((%call/cc
           (lambda (go-back)
             (leave
              (lambda ()
                (handler condition
                         (lambda () (go-back (lambda () (raise-continuable condition)))))))))))
       (lambda ()
         (call-with-values body
           (lambda results (lambda () (apply values results))))))))))

; ---- continuations ----

(define (dynamic-wind before thunk after)
  (before)
  (%set-winds! (cons (cons before after) (%winds)))
  (call-with-values thunk
    (lambda results
      (%set-winds! (cdr (%winds)))
      (after)
      (apply values results))))

; Leaves what is entered here and not there, innermost first, then enters what is entered there only.
(define (%rewind continuation results)
  (let ((there (%continuation-winds continuation)))
    (let leave ((here (%winds)))
      (if (not (%tail? here there))
          (begin
            (%set-winds! (cdr here))
            ((cdar here))
            (leave (cdr here)))))
    (let enter ((winds there))
      (if (not (eq? winds (%winds)))
          (begin
            (enter (cdr winds))
            ((caar winds))
            (%set-winds! winds))))
    (%throw continuation results)))

(define (%tail? tail list)
  (cond ((eq? tail list) #t)
        ((null? list) #f)
        (else (%tail? tail (cdr list)))))

(define call-with-current-continuation %call/cc)
(define call/cc %call/cc)

(define (exit . code)
  (let leave ((here (%winds)))
    (if (pair? here)
        (begin (%set-winds! (cdr here)) ((cdar here)) (leave (cdr here)))))
  (apply %exit code))
(define emergency-exit %exit)

; A procedure whose calls give, one after the other, what `body` gives to the procedure that it is called with; in
; the end #<eof>. Each of them lives on a fiber of its own.
(define (make-coroutine-generator body)
  (define return #f)
  (define (give value)
    (call/cc (lambda (resume)
               (set! go-on (lambda () (resume #t)))
               (return value))))
  (define (go-on)
    (body give)
    (set! go-on (lambda () (return (eof-object))))
    (return (eof-object)))
  (lambda ()
    (call/cc (lambda (back) (set! return back) (go-on)))))

; ---- promises and parameters ----

(define (force promise)
  (if (not (promise? promise))
      promise
      (let loop ()
        (let ((state (%promise-state promise)))
          (if (eqv? state 0)
              (%promise-content promise)
              (let ((result ((%promise-content promise))))
                (if (not (eqv? (%promise-state promise) 0))
                    (if state (%promise-done! promise result) (%promise-chain! promise result)))
                (loop)))))))

(define (make-parameter value . converter)
  (if (null? converter)
      (%make-parameter value)
      (%make-parameter ((car converter) value) (car converter))))

(define (%parameterize parameters values thunk)
  (let ((inner (map (lambda (parameter value)
                      (let ((convert (%parameter-converter parameter)))
                        (if convert (convert value) value)))
                    parameters values)))
    (define (swap)
      (set! inner (map (lambda (parameter value)
                         (let ((old (parameter)))
                           (%parameter-set! parameter value)
                           old))
                       parameters inner)))
    (dynamic-wind swap thunk swap)))

; ---- lists, strings, vectors ----

(define (%cars lists) (if (null? lists) '() (cons (caar lists) (%cars (cdr lists)))))
(define (%cdrs lists) (if (null? lists) '() (cons (cdar lists) (%cdrs (cdr lists)))))
(define (%all-pairs? lists) (or (null? lists) (and (pair? (car lists)) (%all-pairs? (cdr lists)))))

(define (map procedure list . more)
  (if (null? more)
      (let loop ((rest list) (results '()))
        (if (pair? rest) (loop (cdr rest) (cons (procedure (car rest)) results)) (reverse results)))
      (let loop ((lists (cons list more)) (results '()))
        (if (%all-pairs? lists)
            (loop (%cdrs lists) (cons (apply procedure (%cars lists)) results))
            (reverse results)))))

(define (for-each procedure list . more)
  (if (null? more)
      (let loop ((rest list))
        (if (pair? rest) (begin (procedure (car rest)) (loop (cdr rest)))))
      (let loop ((lists (cons list more)))
        (if (%all-pairs? lists)
            (begin (apply procedure (%cars lists)) (loop (%cdrs lists)))))))

(define (append-map procedure . lists) (apply append (apply map procedure lists)))

(define (filter keep? list)
  (let loop ((rest list) (results '()))
    (cond ((null? rest) (reverse results))
          ((keep? (car rest)) (loop (cdr rest) (cons (car rest) results)))
          (else (loop (cdr rest) results)))))

(define (fold procedure value list)
  (if (pair? list) (fold procedure (procedure (car list) value) (cdr list)) value))
(define (fold-right procedure value list)
  (fold procedure value (reverse list)))
(define (reduce procedure value list)
  (if (null? list) value (fold procedure (car list) (cdr list))))
(define (delete item list) (filter (lambda (other) (not (equal? item other))) list))
(define (iota count . start-and-step)
  (let ((start (if (pair? start-and-step) (car start-and-step) 0))
        (step (if (and (pair? start-and-step) (pair? (cdr start-and-step))) (cadr start-and-step) 1)))
    (let loop ((i (- count 1)) (results '()))
      (if (< i 0) results (loop (- i 1) (cons (+ start (* i step)) results))))))

(define (member item list . same)
  (if (null? same)
      (%member item list)
      (let loop ((rest list))
        (cond ((null? rest) #f) (((car same) item (car rest)) rest) (else (loop (cdr rest)))))))
(define (assoc key list . same)
  (if (null? same)
      (%assoc key list)
      (let loop ((rest list))
        (cond ((null? rest) #f) (((car same) key (caar rest)) (car rest)) (else (loop (cdr rest)))))))

; Stable; list or vector. Half of the list at a time.
(define (sort items less?)
  (define (merge a b results)
    (cond ((null? a) (append (reverse results) b))
          ((null? b) (append (reverse results) a))
          ((less? (car b) (car a)) (merge a (cdr b) (cons (car b) results)))
          (else (merge (cdr a) b (cons (car a) results)))))
  (define (sorted list count)
    (if (< count 2)
        (if (= count 0) '() (cons (car list) '()))
        (let ((half (quotient count 2)))
          (merge (sorted list half) (sorted (list-tail list half) (- count half)) '()))))
  (if (vector? items)
      (list->vector (sort (vector->list items) less?))
      (sorted items (length items))))
(define list-sort (lambda (less? items) (sort items less?)))

(define (string-map procedure . strings)
  (list->string (apply map procedure (map string->list strings))))
(define (string-for-each procedure . strings)
  (apply for-each procedure (map string->list strings)))
(define (string->vector . arguments) (list->vector (apply string->list arguments)))
(define (vector->string . arguments) (list->string (apply vector->list arguments)))
(define (string-join strings . separator)
  (let ((between (if (pair? separator) (car separator) " ")))
    (if (null? strings)
        ""
        (apply string-append (car strings)
               (append-map (lambda (string) (list between string)) (cdr strings))))))
(define (vector-map procedure . vectors)
  (list->vector (apply map procedure (map vector->list vectors))))
(define (vector-for-each procedure . vectors)
  (apply for-each procedure (map vector->list vectors)))
(define (%all-same same? items)
  (or (null? items) (null? (cdr items)) (and (same? (car items) (cadr items)) (%all-same same? (cdr items)))))
(define (boolean=? . items) (%all-same eq? items))
(define (symbol=? . items) (%all-same eq? items))
(define (numerator x) x)
(define (denominator x) (if (exact? x) 1 1.0))

; ---- hash tables (SRFI 69) ----

(define (make-hash-table . same)
  (%make-hash-table (if (and (pair? same) (memq (car same) (list eq? eqv? =))) 0 1)))
(define (hash-table-ref table key . default)
  (let ((found (%hash-table-ref table key %handlers)))
    (cond ((not (eq? found %handlers)) found)
          ((pair? default) ((car default)))
          (else (error "hash-table-ref: no such key:" key)))))
(define (hash-table-ref/default table key default) (%hash-table-ref table key default))
(define (hash-table-exists? table key) (not (eq? (%hash-table-ref table key %handlers) %handlers)))
(define (hash-table-update! table key procedure . default)
  (hash-table-set! table key (procedure (apply hash-table-ref table key default))))
(define (hash-table-update!/default table key procedure default)
  (hash-table-set! table key (procedure (%hash-table-ref table key default))))
(define (hash-table-keys table) (map car (hash-table->alist table)))
(define (hash-table-values table) (map cdr (hash-table->alist table)))
(define (hash-table-walk table procedure)
  (for-each (lambda (entry) (procedure (car entry) (cdr entry))) (hash-table->alist table)))
(define (hash-table-fold table procedure value)
  (fold (lambda (entry value) (procedure (car entry) (cdr entry) value)) value (hash-table->alist table)))
(define hash-table-count hash-table-size)
(define (alist->hash-table entries . same)
  (let ((table (apply make-hash-table same)))
    (for-each (lambda (entry) (hash-table-set! table (car entry) (cdr entry))) (reverse entries))
    table))

; ---- ports ----

(define current-input-port (make-parameter (%stdin)))
(define current-output-port (make-parameter (%stdout)))
(define current-error-port (make-parameter (%stderr)))
(define (%out port) (if (pair? port) (car port) (current-output-port)))
(define (%in port) (if (pair? port) (car port) (current-input-port)))
(define (write object . port) (%write object (%out port)))
(define (write-shared object . port) (%write-shared object (%out port)))
(define (write-simple object . port) (%write-simple object (%out port)))
(define (display object . port) (%display object (%out port)))
(define (newline . port) (%write-char #\newline (%out port)))
(define (write-char char . port) (%write-char char (%out port)))
(define (write-string string . more) (apply %write-string string (%out more) (if (pair? more) (cdr more) '())))
(define (write-u8 byte . port) (%write-u8 byte (%out port)))
(define (write-bytevector bytes . more)
  (apply %write-bytevector bytes (%out more) (if (pair? more) (cdr more) '())))
(define (flush-output-port . port) (%flush (%out port)))
(define (read-char . port) (%read-char (%in port)))
(define (peek-char . port) (%peek-char (%in port)))
(define (char-ready? . port) (%char-ready? (%in port)))
(define (read-line . port) (%read-line (%in port)))
(define (read-string count . port) (%read-string count (%in port)))
(define (read . port) (%read (%in port)))
(define (read-u8 . port) (%read-u8 (%in port)))
(define (peek-u8 . port) (%peek-u8 (%in port)))
(define (u8-ready? . port) #t)
(define (read-bytevector count . port) (%read-bytevector count (%in port)))
(define (read-error-object? object) (read-error? object))

(define (call-with-port port procedure)
  (call-with-values (lambda () (procedure port))
    (lambda results (close-port port) (apply values results))))
(define (call-with-input-file path procedure) (call-with-port (open-input-file path) procedure))
(define (call-with-output-file path procedure) (call-with-port (open-output-file path) procedure))
(define (with-input-from-file path thunk)
  (call-with-input-file path
    (lambda (port) (parameterize ((current-input-port port)) (thunk)))))
(define (with-output-to-file path thunk)
  (call-with-output-file path
    (lambda (port) (parameterize ((current-output-port port)) (thunk)))))
(define (call-with-output-string procedure)
  (let ((port (open-output-string)))
    (procedure port)
    (get-output-string port)))
(define (with-output-to-string thunk)
  (call-with-output-string
    (lambda (port) (parameterize ((current-output-port port)) (thunk)))))

; ---- programs ----

(define (eval form . environment) ((%compile form)))
(define (interaction-environment) #f)
(define (environment . libraries) #f)
(define (load path . environment)
  (let ((port (open-input-file path)))
    (let loop ()
      (let ((form (%read-source port)))
        (if (eof-object? form)
            (close-port port)
            (begin ((%compile form)) (loop)))))))
(define (features) '(r7rs full-unicode acre-scheme))
