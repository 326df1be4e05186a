; A parser of expressions by the method of Pratt: each operator knows how strongly it binds to its left and right.
; The tree is written, evaluated, and written once more as few parentheses as it needs.
(import (scheme base) (scheme write) (scheme char) (scheme process-context))

(define small? (member "small" (command-line)))

; ---- tokens: numbers, names (symbols) and operators (characters) ----

(define (tokenize text)
  (let loop ((rest (string->list text)) (tokens '()))
    (cond ((null? rest) (reverse tokens))
          ((char-whitespace? (car rest)) (loop (cdr rest) tokens))
          ((char-numeric? (car rest)) (take-while char-numeric? rest '() (lambda (chars rest)
             (loop rest (cons (string->number (list->string chars)) tokens)))))
          ((char-alphabetic? (car rest)) (take-while char-alphabetic? rest '() (lambda (chars rest)
             (loop rest (cons (string->symbol (list->string chars)) tokens)))))
          (else (loop (cdr rest) (cons (car rest) tokens))))))

(define (take-while good? rest taken then)
  (if (and (pair? rest) (good? (car rest)))
      (take-while good? (cdr rest) (cons (car rest) taken) then)
      (then (reverse taken) rest)))

; ---- the parser: a procedure that takes tokens from a list that it owns ----

(define-record-type operator
  (make-operator char left right name)
  operator?
  (char operator-char)
  (left operator-left)
  (right operator-right)
  (name operator-name))

(define operators
  (list (make-operator #\? 4 3 'if)
        (make-operator #\= 10 11 'equal)
        (make-operator #\< 10 11 'less)
        (make-operator #\+ 20 21 'plus)
        (make-operator #\- 20 21 'minus)
        (make-operator #\* 30 31 'times)
        (make-operator #\/ 30 31 'quotient)
        (make-operator #\^ 41 40 'power)))
(define prefix-power 35)

(define (find-operator token)
  (let loop ((rest operators))
    (cond ((null? rest) #f)
          ((eqv? (operator-char (car rest)) token) (car rest))
          (else (loop (cdr rest))))))

(define (parse text)
  (define tokens (tokenize text))
  (define (peek) (if (null? tokens) 'end (car tokens)))
  (define (next) (let ((token (peek))) (if (pair? tokens) (set! tokens (cdr tokens))) token))
  (define (expect char)
    (let ((token (next)))
      (if (not (eqv? token char)) (raise (list 'expected char 'but-found token)))))
  (define (prefix)
    (let ((token (next)))
      (cond ((number? token) token)
            ((and (symbol? token) (not (eq? token 'end)))
             (if (eqv? (peek) #\()
                 (begin (next) (cons token (arguments)))
                 token))
            ((eqv? token #\() (let ((inner (expression 0))) (expect #\)) inner))
            ((eqv? token #\-) (list 'negative (expression prefix-power)))
            (else (raise (list 'unexpected token))))))
  (define (arguments)
    (if (eqv? (peek) #\))
        (begin (next) '())
        (let loop ((parsed (list (expression 0))))
          (case (peek)
            ((#\,) (next) (loop (cons (expression 0) parsed)))
            (else (expect #\)) (reverse parsed))))))
  (define (expression least)
    (let loop ((left (prefix)))
      (let ((operator (find-operator (peek))))
        (if (and operator (>= (operator-left operator) least))
            (begin
              (next)
              (if (eq? (operator-name operator) 'if)
                  (let ((then (expression 0)))
                    (expect #\:)
                    (loop (list 'if left then (expression (operator-right operator)))))
                  (loop (list (operator-name operator) left (expression (operator-right operator))))))
            left))))
  (let ((tree (expression 0)))
    (if (not (eq? (peek) 'end)) (raise (list 'left-over (peek))))
    tree))

; ---- evaluation ----

(define variables '((x . 7) (y . 3) (answer . 42)))

(define (power base exponent)
  (if (= exponent 0) 1 (* base (power base (- exponent 1)))))

(define (evaluate tree)
  (cond ((number? tree) tree)
        ((symbol? tree) (cond ((assq tree variables) => cdr) (else (raise (list 'unknown tree)))))
        ((eq? (car tree) 'if) (if (evaluate (cadr tree)) (evaluate (list-ref tree 2)) (evaluate (list-ref tree 3))))
        (else
         (let ((values (map evaluate (cdr tree))))
           (apply (case (car tree)
                    ((plus) +) ((minus) -) ((times) *) ((quotient) quotient) ((power) power)
                    ((equal) =) ((less) <) ((negative) -) ((max) max) ((min) min)
                    (else (raise (list 'no-function (car tree)))))
                  values)))))

; ---- and back to text ----

(define (unparse tree least)
  (cond ((number? tree) (number->string tree))
        ((symbol? tree) (symbol->string tree))
        ((eq? (car tree) 'negative)
         (wrap (> least prefix-power) (string-append "-" (unparse (cadr tree) prefix-power))))
        ((eq? (car tree) 'if)
         (wrap (> least 3)
               (string-append (unparse (cadr tree) 5) " ? " (unparse (list-ref tree 2) 0)
                              " : " (unparse (list-ref tree 3) 3))))
        ((operator-named (car tree))
         => (lambda (operator)
              (let ((left (operator-left operator)) (right (operator-right operator)))
                (wrap (> least (min left right))
                      (string-append (unparse (cadr tree) left)
                                     " " (string (operator-char operator)) " "
                                     (unparse (list-ref tree 2) right))))))
        (else
         (string-append (symbol->string (car tree)) "("
                        (let loop ((rest (cdr tree)))
                          (cond ((null? rest) "")
                                ((null? (cdr rest)) (unparse (car rest) 0))
                                (else (string-append (unparse (car rest) 0) ", " (loop (cdr rest))))))
                        ")"))))

(define (operator-named name)
  (let loop ((rest operators))
    (cond ((null? rest) #f)
          ((eq? (operator-name (car rest)) name) (car rest))
          (else (loop (cdr rest))))))

(define (wrap wanted? text) (if wanted? (string-append "(" text ")") text))

(define (show text)
  (guard (problem ((pair? problem) (write (list text problem)) (newline)))
    (let ((tree (parse text)))
      (write tree)
      (write-string " = ")
      (write (evaluate tree))
      (write-string "   ")
      (write-string (unparse tree 0))
      (newline))))

(show "1 + 2 * 3")
(show "(1 + 2) * -3")
(show "2 ^ 3 ^ 2 - 10 - 5")
(if (not small?)
    (for-each
     show
     '("x * y + answer / 5"
       "x < y ? x : y"
       "x = 7 ? y = 3 ? 1 : 2 : 3"
       "max(x, y, 2 ^ 3) - min(x, y)"
       "-2 ^ 2"
       "(-2) ^ 2"
       "((((1))))"
       "1 - (2 - (3 - 4))"
       "1 +"
       "(1"
       "1 2"
       "f(1)"
       "z + 1"
       "max()(2)"
       "a ? b")))

; A long one, made by a program.
(define (long-expression n)
  (let loop ((i 1) (text "0"))
    (if (> i n)
        text
        (loop (+ i 1)
              (string-append text (if (odd? i) " + " " - ") (number->string i) " * (" (number->string i) " - 1)")))))
(write (evaluate (parse (long-expression (if small? 4 200)))))
(newline)
